SELECT n.nspname AS schema_name, c.relname AS table_name, x.privilege
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN (VALUES ('INSERT'), ('UPDATE'), ('DELETE'), ('TRUNCATE')) x(privilege)
WHERE c.relkind = 'r' AND n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema'
  AND has_table_privilege('aquareel_app', c.oid, x.privilege)
ORDER BY 1, 2, 3
