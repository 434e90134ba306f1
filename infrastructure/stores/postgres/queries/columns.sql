-- The columns of these tables, where search_path finds them.
SELECT relname, array_agg(attname::text)
FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped
WHERE pg_class.oid IN (SELECT to_regclass(name) FROM unnest(%s) AS name)
GROUP BY relname
