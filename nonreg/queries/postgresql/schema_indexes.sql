SELECT n.nspname AS schema_name, c.relname AS table_name, x.relname AS index_name,
       pg_get_indexdef(i.indexrelid) AS definition, i.indisvalid AND i.indisready AS is_usable
FROM pg_index i
JOIN pg_class x ON x.oid = i.indexrelid
JOIN pg_class c ON c.oid = i.indrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema'
ORDER BY 1, 2, 3
