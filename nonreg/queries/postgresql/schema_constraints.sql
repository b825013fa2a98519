SELECT n.nspname AS schema_name, c.relname AS table_name, k.conname AS constraint_name, k.contype AS kind,
       pg_get_constraintdef(k.oid) AS definition, k.convalidated AS is_trusted
FROM pg_constraint k
JOIN pg_class c ON c.oid = k.conrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema'
ORDER BY 1, 2, 3
