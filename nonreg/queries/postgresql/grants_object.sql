-- Whether the account may do that to that object, or to that column of it; there is no other database, and a `tvf_` is read.
SELECT count(*) AS is_there,
       CASE WHEN bool_and(o.is_granted) THEN 1 ELSE 0 END AS is_granted
FROM (
    SELECT has_schema_privilege(n.oid, 'USAGE')
           AND CASE WHEN CAST(:column_name AS text) = '' THEN has_table_privilege(c.oid, CAST(:privilege AS text))
                    ELSE has_column_privilege(c.oid, CAST(:column_name AS text), CAST(:privilege AS text)) END AS is_granted
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE CAST(:database_name AS text) = '' AND n.nspname = :schema_name AND c.relname = :item_name
      AND c.relkind IN ('r', 'p', 'v', 'm') AND CAST(:privilege AS text) <> 'EXECUTE'
    UNION ALL
    SELECT has_schema_privilege(n.oid, 'USAGE') AND has_function_privilege(p.oid, 'EXECUTE')
    FROM pg_proc p
    JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE CAST(:database_name AS text) = '' AND n.nspname = :schema_name AND p.proname = :item_name
) o
