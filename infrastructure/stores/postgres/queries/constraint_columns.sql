-- The columns that a constraint or a unique index is about, by its name.
SELECT attname
FROM pg_attribute
WHERE attrelid = to_regclass(format('%%I.%%I', %(schema)s, %(table)s)) AND attnum IN (
    SELECT unnest(conkey) FROM pg_constraint WHERE conrelid = attrelid AND conname = %(constraint)s
    UNION ALL
    SELECT unnest(indkey::smallint[]) FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
    WHERE indrelid = attrelid AND relname = %(constraint)s)
ORDER BY attnum
