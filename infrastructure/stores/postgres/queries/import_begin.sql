-- Prepare the empty tables for a load: checks of one row after the other would take longer than the rows themselves.
SET LOCAL statement_timeout = 0;
SET LOCAL maintenance_work_mem = '64MB';
LOCK TABLE movies, people, credits, akas, charts, my_ratings, ratings_history IN ACCESS EXCLUSIVE MODE;
ALTER TABLE credits DROP CONSTRAINT credits_imdb_id_fkey, DROP CONSTRAINT credits_person_id_fkey;
ALTER TABLE akas DROP CONSTRAINT akas_imdb_id_fkey;
DROP INDEX credits_person_id_idx;
