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
