-- SHA-256 of every module's text (UTF-8) once normalised: line ends, trailing blanks and blank lines at both ends do not
-- count. Stands in the scenarios that it proposes, as a derived table: no ORDER BY.
SELECT d.schema_name, d.module_name,
       encode(sha256(convert_to(
           btrim(regexp_replace(replace(d.definition, E'\r\n', E'\n') || E'\n', '[ \t]+\n', E'\n', 'g'), E'\n'), 'UTF8'
       )), 'hex') AS sha256
FROM (
    SELECT n.nspname AS schema_name, p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')' AS module_name,
           pg_get_functiondef(p.oid) AS definition
    FROM pg_proc p
    JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE p.prokind IN ('f', 'p') AND n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema'
    UNION ALL
    SELECT v.schemaname, v.viewname, v.definition
    FROM pg_views v
    WHERE v.schemaname NOT LIKE 'pg\_%' AND v.schemaname <> 'information_schema'
) d
