-- The keys that load_begin has dropped.
ALTER TABLE movies ADD CONSTRAINT movies_pkey PRIMARY KEY (imdb_id);
ALTER TABLE people ADD CONSTRAINT people_pkey PRIMARY KEY (person_id);
ALTER TABLE credits ADD CONSTRAINT credits_pkey PRIMARY KEY (imdb_id, category, position);
ALTER TABLE akas ADD CONSTRAINT akas_pkey PRIMARY KEY (imdb_id, position);
ALTER TABLE ratings_history ADD CONSTRAINT ratings_history_pkey PRIMARY KEY (imdb_id, day);
