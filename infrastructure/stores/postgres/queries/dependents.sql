-- Objects of the user's that depend on what storage format 2 drops, as pg_identify_object names them, without our own.
-- Functions in other languages than SQL record no dependencies: triggers of our tables are looked at by their text.
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
