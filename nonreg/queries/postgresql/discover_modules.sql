-- Everything that may become a scenario, with its text. A `tvf_` in SQL is what T-SQL calls an inline table function, a
-- `usp_` stands for a procedure.
SELECT n.nspname AS schema_name, p.proname AS module_name,
       CASE WHEN p.prorettype = CAST('trigger' AS regtype) OR p.prorettype = CAST('event_trigger' AS regtype) THEN 'trigger'
            WHEN p.proname LIKE 'tvf\_%' AND l.lanname = 'sql' THEN 'inline_function'
            WHEN p.proname LIKE 'tvf\_%' THEN 'table_function'
            WHEN p.prokind = 'p' OR p.proname LIKE 'usp\_%' THEN 'procedure'
            ELSE 'scalar_function' END AS kind,
       CAST(p.pronargs AS integer) AS parameter_count, p.prosrc AS definition
FROM pg_proc p
JOIN pg_namespace n ON n.oid = p.pronamespace
JOIN pg_language l ON l.oid = p.prolang
WHERE p.prokind IN ('f', 'p') AND n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema'
UNION ALL
SELECT v.schemaname, v.viewname, 'view', 0, v.definition
FROM pg_views v
WHERE v.schemaname NOT LIKE 'pg\_%' AND v.schemaname <> 'information_schema'
ORDER BY 1, 2
