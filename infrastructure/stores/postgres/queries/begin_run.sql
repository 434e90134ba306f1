-- Write a run down, or find it again: a run that goes on has the start it began with.
WITH known AS (
    SELECT run_id FROM runs
    WHERE site = %(site)s AND chart IS NOT DISTINCT FROM %(chart)s AND started_at = %(started_at)s
), made AS (
    INSERT INTO runs (site, chart, asked, started_at)
    SELECT %(site)s, %(chart)s, %(asked)s, %(started_at)s WHERE NOT EXISTS (SELECT FROM known)
    ON CONFLICT DO NOTHING
    RETURNING run_id
)
SELECT run_id FROM known UNION ALL SELECT run_id FROM made
