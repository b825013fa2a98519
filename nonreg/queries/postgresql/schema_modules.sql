SELECT n.nspname AS schema_name,
       p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')' AS module_name,
       CASE WHEN p.prokind = 'p' THEN 'procedure' ELSE 'function' END AS kind,
       pg_get_functiondef(p.oid) AS definition
FROM pg_proc p
JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE p.prokind IN ('f', 'p') AND n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema'
UNION ALL
SELECT v.schemaname, v.viewname, 'view', v.definition
FROM pg_views v
WHERE v.schemaname NOT LIKE 'pg\_%' AND v.schemaname <> 'information_schema'
ORDER BY 1, 2
