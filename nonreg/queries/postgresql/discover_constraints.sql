-- Constraints of tables; a key or a reference whose internal triggers are off is disabled.
-- Stands in the scenarios that it proposes, as a derived table: no ORDER BY.
SELECT n.nspname AS schema_name, c.relname AS table_name, k.conname AS constraint_name,
       CASE k.contype WHEN 'p' THEN 'primary_key' WHEN 'u' THEN 'unique' WHEN 'f' THEN 'foreign_key' ELSE 'check' END AS kind,
       CASE WHEN EXISTS (SELECT 1 FROM pg_trigger t WHERE t.tgconstraint = k.oid AND t.tgenabled = 'D')
            THEN 0 ELSE 1 END AS is_enabled,
       CASE WHEN k.convalidated THEN 1 ELSE 0 END AS is_trusted, 0 AS is_system_named
FROM pg_constraint k
JOIN pg_class c ON c.oid = k.conrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE k.contype IN ('p', 'u', 'f', 'c') AND n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema'
