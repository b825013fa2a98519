-- Everything that may become a scenario, with its text; NULL where it is encrypted or may not be read.
-- Right: VIEW DEFINITION on the database.
SELECT s.name AS schema_name, o.name AS module_name,
       CASE o.type WHEN 'V' THEN 'view' WHEN 'IF' THEN 'inline_function' WHEN 'TF' THEN 'table_function'
                   WHEN 'FN' THEN 'scalar_function' WHEN 'P' THEN 'procedure' ELSE 'trigger' END AS kind,
       (SELECT COUNT(*) FROM sys.parameters p WHERE p.object_id = o.object_id AND p.parameter_id > 0) AS parameter_count,
       m.[definition]
FROM sys.objects o
JOIN sys.schemas s ON s.schema_id = o.schema_id
LEFT JOIN sys.sql_modules m ON m.object_id = o.object_id
WHERE o.is_ms_shipped = 0 AND o.type IN ('P', 'FN', 'IF', 'TF', 'V', 'TR')
ORDER BY s.name, o.name
