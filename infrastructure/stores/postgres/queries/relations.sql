-- Relations and types of these names in a schema, with what they are and their columns.
SELECT relname::text,
       CASE relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'S' THEN 'sequence' WHEN 'f' THEN 'foreign table'
                    WHEN 'i' THEN 'index' WHEN 'c' THEN 'type' ELSE 'table' END,
       ARRAY (SELECT attname::text FROM pg_attribute
              WHERE attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped ORDER BY attnum)
FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE quote_ident(nspname) = %s AND relname = ANY (%s)
ORDER BY relname
