-- Whether this session may change the database.
SELECT current_user, quote_ident(nullif(current_schema(), 'pg_catalog')), pg_is_in_recovery(),
       current_setting('transaction_read_only')::boolean,
       has_schema_privilege(current_schema(), 'CREATE'),
       coalesce((SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = to_regclass('movies')), true)
