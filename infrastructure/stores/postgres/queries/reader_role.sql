-- Whether a role is one that logs in and reads all data and nothing else, and what other roles it is a member of.
SELECT rolcanlogin AND rolinherit AND rolconfig IS NULL AND rolconnlimit = -1
       AND NOT (rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls)
       AND pg_has_role(pg_roles.oid, 'pg_read_all_data', 'USAGE'),
       ARRAY (SELECT roleid::regrole::text FROM pg_auth_members
              WHERE member = pg_roles.oid AND roleid <> 'pg_read_all_data'::regrole ORDER BY 1)
FROM pg_roles
WHERE rolname = %s
