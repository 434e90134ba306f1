-- The keys that load_begin has dropped.
ALTER TABLE credits ADD CONSTRAINT credits_pkey PRIMARY KEY (imdb_id, category, position);
ALTER TABLE akas ADD CONSTRAINT akas_pkey PRIMARY KEY (imdb_id, position);
