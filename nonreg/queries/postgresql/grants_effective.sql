-- Everything that the account may do beyond the catalog: on the server, in this database, on its schemas, objects and
-- columns, through roles, as somebody else. There is no other database.
-- A `tvf_` is read, in T-SQL's words: SELECT. Every other function is executed.
SELECT 'server' AS scope, 'SERVER' AS object_name, '' AS column_name, x.privilege
FROM pg_roles r
CROSS JOIN LATERAL (VALUES ('SUPERUSER', r.rolsuper), ('CREATEDB', r.rolcreatedb), ('CREATEROLE', r.rolcreaterole),
                           ('REPLICATION', r.rolreplication), ('BYPASSRLS', r.rolbypassrls)) x(privilege, granted)
WHERE r.rolname = current_user AND x.granted
UNION ALL
SELECT 'database', 'DATABASE', '', x.privilege
FROM (VALUES ('CREATE'), ('TEMPORARY')) x(privilege)
WHERE has_database_privilege(current_database(), x.privilege)
UNION ALL
SELECT 'schema', n.nspname, '', 'CREATE'
FROM pg_namespace n
WHERE n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema' AND has_schema_privilege(n.oid, 'CREATE')
UNION ALL
SELECT 'object', n.nspname || '.' || c.relname, '', x.privilege
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN (VALUES ('SELECT'), ('INSERT'), ('UPDATE'), ('DELETE'), ('TRUNCATE'), ('REFERENCES'), ('TRIGGER')) x(privilege)
WHERE c.relkind IN ('r', 'p', 'v', 'm') AND n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema'
  AND has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, x.privilege)
UNION ALL
SELECT 'object', n.nspname || '.' || c.relname, '', x.privilege
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN (VALUES ('USAGE'), ('UPDATE')) x(privilege)
WHERE c.relkind = 'S' AND n.nspname NOT LIKE 'pg\_%' AND has_sequence_privilege(c.oid, x.privilege)
UNION ALL
SELECT DISTINCT 'object', n.nspname || '.' || p.proname, '',
       CASE WHEN p.proname LIKE 'tvf\_%' THEN 'SELECT' ELSE 'EXECUTE' END
FROM pg_proc p
JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema'
  AND has_schema_privilege(n.oid, 'USAGE') AND has_function_privilege(p.oid, 'EXECUTE')
UNION ALL
SELECT 'column', n.nspname || '.' || c.relname, a.attname, x.privilege
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
CROSS JOIN (VALUES ('SELECT'), ('INSERT'), ('UPDATE'), ('REFERENCES')) x(privilege)
WHERE c.relkind IN ('r', 'p', 'v', 'm') AND n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema'
  AND has_column_privilege(c.oid, a.attnum, x.privilege) AND NOT has_table_privilege(c.oid, x.privilege)
UNION ALL
SELECT 'role', r.rolname, '', 'MEMBER'
FROM pg_roles r
WHERE r.rolname <> current_user AND pg_has_role(r.oid, 'MEMBER')
UNION ALL
SELECT 'user', t.usename, '', 'IMPERSONATE'
FROM pg_user t
WHERE t.usename <> current_user AND pg_has_role(t.usesysid, 'MEMBER')
ORDER BY 1, 2, 3, 4
