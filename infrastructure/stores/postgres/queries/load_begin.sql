-- Empty tables whose keys are built after the rows, and which are not logged row by row where wal_level is minimal.
TRUNCATE movies, people, credits, akas, ratings_history;
ALTER TABLE movies DROP CONSTRAINT movies_pkey;
ALTER TABLE people DROP CONSTRAINT people_pkey;
ALTER TABLE credits DROP CONSTRAINT credits_pkey;
ALTER TABLE akas DROP CONSTRAINT akas_pkey;
ALTER TABLE ratings_history DROP CONSTRAINT ratings_history_pkey;
