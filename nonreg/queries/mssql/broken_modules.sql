-- Names with a schema that a module of this database cites and that no object, type or synonym bears. Columns and what
-- dynamic text cites are not seen. Right: VIEW DEFINITION on the database and SELECT
-- on sys.sql_expression_dependencies, which only db_owner has by nature.
SELECT s.name + '.' + o.name AS module_name, d.referenced_schema_name + '.' + d.referenced_entity_name AS missing_object
FROM sys.sql_expression_dependencies d
JOIN sys.objects o ON o.object_id = d.referencing_id
JOIN sys.schemas s ON s.schema_id = o.schema_id
WHERE o.is_ms_shipped = 0 AND d.referencing_class = 1 AND d.referenced_class = 1
  AND d.referenced_id IS NULL AND d.is_ambiguous = 0
  AND d.referenced_server_name IS NULL AND COALESCE(d.referenced_database_name, DB_NAME()) = DB_NAME()
  AND d.referenced_schema_name IS NOT NULL AND d.referenced_schema_name <> 'sys'
  AND OBJECT_ID(QUOTENAME(d.referenced_schema_name) + '.' + QUOTENAME(d.referenced_entity_name)) IS NULL
GROUP BY s.name, o.name, d.referenced_schema_name, d.referenced_entity_name
ORDER BY module_name, missing_object
