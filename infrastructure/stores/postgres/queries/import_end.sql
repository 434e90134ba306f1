-- The checks again, over all rows at once, and what the planner needs to know.
CREATE INDEX credits_person_id_idx ON credits (person_id, category);
ALTER TABLE credits
    ADD CONSTRAINT credits_imdb_id_fkey FOREIGN KEY (imdb_id) REFERENCES movies ON DELETE CASCADE,
    ADD CONSTRAINT credits_person_id_fkey FOREIGN KEY (person_id) REFERENCES people;
ALTER TABLE akas ADD CONSTRAINT akas_imdb_id_fkey FOREIGN KEY (imdb_id) REFERENCES movies ON DELETE CASCADE;
ANALYZE movies, people, credits, akas, charts;
SELECT setval('runs_run_id_seq', coalesce(max(run_id), 0) + 1, false) FROM runs;
