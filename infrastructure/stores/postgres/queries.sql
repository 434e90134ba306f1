-- The statements that are not derived from the field table. Each follows a line with its name.

-- name: chart_read_at
-- When the stored places of a chart were read, as canonical text; NULL without places.
SELECT to_char(max(read_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
FROM charts
WHERE chart = %s

-- name: charts_before
-- The ranks of a database of version 0.1 as the places of the chart that migration 0004 would give them to.
SELECT DISTINCT ON (rank) chart COLLATE "C" AS chart, rank, imdb_id, moment AS read_at
FROM movies, (
    SELECT chart, (SELECT max(scraped_at) FROM movies WHERE rank IS NOT NULL) AS moment
    FROM complete_runs
    WHERE 2 * (SELECT count(*) FROM chart_entries JOIN movies USING (imdb_id, rank)
               WHERE chart_entries.run_id = complete_runs.run_id)
          >= (SELECT count(DISTINCT rank) FROM movies)
    ORDER BY finished_at DESC, run_id DESC
    LIMIT 1
) AS known
WHERE rank IS NOT NULL
ORDER BY rank, scraped_at DESC, imdb_id

-- name: columns
-- The columns of these tables, where search_path finds them.
SELECT relname, array_agg(attname::text)
FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped
WHERE pg_class.oid IN (SELECT to_regclass(name) FROM unnest(%s) AS name)
GROUP BY relname

-- name: comments
-- The comment of each of these tables and of their columns, if the tables belong to us.
SELECT relname::text, coalesce(attname::text, ''),
       coalesce(CASE WHEN attname IS NULL THEN obj_description(owned.oid, 'pg_class')
                     ELSE col_description(owned.oid, attnum) END, '')
FROM (
    SELECT oid, relname FROM pg_class
    WHERE oid IN (SELECT to_regclass(name) FROM unnest(%s) AS name) AND pg_has_role(relowner, 'USAGE')
) AS owned
CROSS JOIN LATERAL (
    SELECT NULL::name AS attname, 0::smallint AS attnum
    UNION ALL
    SELECT attname, attnum FROM pg_attribute WHERE attrelid = owned.oid AND attnum > 0 AND NOT attisdropped
) AS columns

-- name: comparable_runs
-- How many complete runs the chart has that was read completely most often.
SELECT coalesce(max(recency), 0) FROM complete_runs

-- name: constraint_columns
-- The columns that a constraint or a unique index is about, by its name.
SELECT attname
FROM pg_attribute
WHERE attrelid = to_regclass(format('%%I.%%I', %(schema)s, %(table)s)) AND attnum IN (
    SELECT unnest(conkey) FROM pg_constraint WHERE conrelid = attrelid AND conname = %(constraint)s
    UNION ALL
    SELECT unnest(indkey::smallint[]) FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
    WHERE indrelid = attrelid AND relname = %(constraint)s)
ORDER BY attnum

-- name: count_parts
-- How many credits and other titles are stored with these movies.
SELECT imdb_id, (SELECT count(*) FROM credits WHERE credits.imdb_id = movies.imdb_id),
       (SELECT count(*) FROM akas WHERE akas.imdb_id = movies.imdb_id)
FROM movies
WHERE imdb_id = ANY (%s)

-- name: dependents
-- Objects of the user's that depend on what storage format 2 drops, as pg_identify_object names them, without our own.
-- Functions in other languages than SQL record no dependencies: triggers of our tables are found by their text.
WITH gone AS (
    SELECT 'pg_class'::regclass AS classid, attrelid AS objid, attnum::integer AS part
    FROM pg_attribute
    WHERE NOT attisdropped AND (attrelid, attname) IN (
        (to_regclass('movies'), 'rank'), (to_regclass('people'), 'named_by'))
    UNION ALL SELECT 'pg_class'::regclass, to_regclass('people_to_check'), 0
    UNION ALL SELECT 'pg_type'::regclass, to_regtype('people_to_check'), 0
    UNION ALL SELECT 'pg_proc'::regclass, to_regprocedure('note_lost_credits()'), 0
    UNION ALL SELECT 'pg_proc'::regclass, to_regprocedure('save_movies(jsonb)'), 0
), dependent AS (
    SELECT DISTINCT pg_depend.classid, pg_depend.objid, pg_depend.objsubid
    FROM pg_depend JOIN gone ON refclassid = gone.classid AND refobjid = gone.objid
                            AND (part = 0 OR refobjsubid = part)
    WHERE deptype IN ('n', 'a')
      AND (pg_depend.classid, pg_depend.objid) NOT IN (SELECT classid, objid FROM gone WHERE objid IS NOT NULL)
), named AS (
    SELECT CASE WHEN relkind = 'm' THEN 'materialized view' ELSE 'view' END AS kind, pg_class.oid::regclass::text AS identity
    FROM dependent JOIN pg_rewrite ON classid = 'pg_rewrite'::regclass AND pg_rewrite.oid = objid
                   JOIN pg_class ON pg_class.oid = ev_class AND relkind IN ('v', 'm')
    WHERE ev_class <> to_regclass('ranks_within_year')
    UNION
    SELECT object.type, object.identity
    FROM dependent, pg_identify_object(classid, objid, objsubid) AS object
    WHERE NOT (classid = 'pg_rewrite'::regclass AND EXISTS (
                   SELECT FROM pg_rewrite JOIN pg_class ON pg_class.oid = ev_class
                   WHERE pg_rewrite.oid = objid AND relkind IN ('v', 'm')))
      AND NOT (classid = 'pg_constraint'::regclass AND EXISTS (
                   SELECT FROM pg_constraint WHERE oid = objid
                   AND (conname = 'movies_rank_check' OR contype = 'n' OR conrelid = to_regclass('people_to_check'))))
      AND NOT (classid = 'pg_class'::regclass AND objid = to_regclass('movies_rank_idx'))
      AND NOT (classid = 'pg_class'::regclass AND objid = to_regclass('people_to_check_pkey'))
      AND NOT (classid = 'pg_trigger'::regclass AND EXISTS (
                   SELECT FROM pg_trigger WHERE oid = objid AND tgname = 'credits_lost'))
    UNION
    SELECT object.type, object.identity
    FROM pg_trigger JOIN pg_proc ON pg_proc.oid = tgfoid, pg_identify_object('pg_trigger'::regclass, pg_trigger.oid, 0) AS object
    WHERE NOT tgisinternal AND tgrelid IN (to_regclass('movies'), to_regclass('people'))
      AND prosrc ~* '\m(new|old)\.(rank|named_at|named_by)\M'
)
SELECT kind, identity FROM named ORDER BY kind, identity

-- name: import_begin
-- Prepare the empty tables for a load: checks of one row after the other would take longer than the rows themselves.
SET LOCAL statement_timeout = 0;
SET LOCAL maintenance_work_mem = '64MB';
LOCK TABLE movies, people, credits, akas, charts, my_ratings, ratings_history IN ACCESS EXCLUSIVE MODE;
ALTER TABLE credits DROP CONSTRAINT credits_imdb_id_fkey, DROP CONSTRAINT credits_person_id_fkey;
ALTER TABLE akas DROP CONSTRAINT akas_imdb_id_fkey;
DROP INDEX credits_person_id_idx;

-- name: import_end
-- The checks again, over all rows at once, and what the planner needs to know.
CREATE INDEX credits_person_id_idx ON credits (person_id, category);
ALTER TABLE credits
    ADD CONSTRAINT credits_imdb_id_fkey FOREIGN KEY (imdb_id) REFERENCES movies ON DELETE CASCADE,
    ADD CONSTRAINT credits_person_id_fkey FOREIGN KEY (person_id) REFERENCES people;
ALTER TABLE akas ADD CONSTRAINT akas_imdb_id_fkey FOREIGN KEY (imdb_id) REFERENCES movies ON DELETE CASCADE;
ANALYZE movies, people, credits, akas, charts;
SELECT setval('runs_run_id_seq', coalesce(max(run_id), 0) + 1, false) FROM runs;

-- name: lock_holders
-- Other sessions that hold locks on our tables, the strongest lock first, as a person can find them.
SELECT format('%s (process %s, user %s, %s since %s, %s)', coalesce(nullif(application_name, ''), 'a session'), pid,
              usename, state, to_char(coalesce(xact_start, query_start) AT TIME ZONE 'UTC', 'HH24:MI:SS "UTC"'),
              string_agg(relname || ': ' || mode, ', ' ORDER BY relname, mode))
FROM pg_locks JOIN pg_class ON pg_class.oid = relation JOIN pg_stat_activity USING (pid)
WHERE granted AND locktype = 'relation' AND pid <> pg_backend_pid() AND application_name <> 'filmledger'
  AND relnamespace = current_schema()::regnamespace AND relkind = 'r' AND mode <> 'AccessShareLock'
GROUP BY pid, application_name, usename, state, xact_start, query_start
ORDER BY max(array_position(ARRAY['RowShareLock', 'RowExclusiveLock', 'ShareUpdateExclusiveLock', 'ShareLock',
                                  'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock'], mode)) DESC, pid
LIMIT 3

-- name: preflight
-- Whether this session may change the database.
SELECT current_user, quote_ident(nullif(current_schema(), 'pg_catalog')), pg_is_in_recovery(),
       current_setting('transaction_read_only')::boolean,
       has_schema_privilege(current_schema(), 'CREATE'),
       coalesce((SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = to_regclass('movies')), true)

-- name: reader_role
-- Whether a role is one that logs in and reads all data and nothing else, and what other roles it is a member of.
SELECT rolcanlogin AND rolinherit AND rolconfig IS NULL AND rolconnlimit = -1
       AND NOT (rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls)
       AND pg_has_role(pg_roles.oid, 'pg_read_all_data', 'USAGE'),
       ARRAY (SELECT roleid::regrole::text FROM pg_auth_members
              WHERE member = pg_roles.oid AND roleid <> 'pg_read_all_data'::regrole ORDER BY 1)
FROM pg_roles
WHERE rolname = %s

-- name: relations
-- Relations and types of these names in a schema, with what they are and their columns.
SELECT relname::text,
       CASE relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'S' THEN 'sequence' WHEN 'f' THEN 'foreign table'
                    WHEN 'i' THEN 'index' WHEN 'c' THEN 'type' ELSE 'table' END,
       ARRAY (SELECT attname::text FROM pg_attribute
              WHERE attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped ORDER BY attnum)
FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE quote_ident(nspname) = %s AND relname = ANY (%s)
ORDER BY relname

-- name: stored_times
-- When these movies were read, as canonical text.
SELECT imdb_id, to_char(scraped_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
FROM movies
WHERE imdb_id = ANY (%s)
