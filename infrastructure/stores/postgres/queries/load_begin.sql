-- Empty tables whose keys are built after the rows, and which are not logged row by row where wal_level is minimal.
TRUNCATE credits, akas;
ALTER TABLE credits DROP CONSTRAINT credits_pkey;
ALTER TABLE akas DROP CONSTRAINT akas_pkey;
