-- How a run ended, once or again after it went on.
UPDATE runs
SET asked = %(asked)s, saved = %(saved)s, failed = %(failed)s, complete = %(complete)s, finished_at = %(finished_at)s
WHERE run_id = %(run_id)s
