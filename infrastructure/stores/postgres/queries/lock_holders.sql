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
