-- Columns of user tables and views; expression is the default or the computed expression. Right: VIEW DEFINITION on the
-- database. What replication and the system created is left out by is_ms_shipped.
SELECT s.name AS schema_name, o.name AS table_name, RTRIM(o.type) AS kind, c.name AS column_name,
       CASE
           WHEN y.name IN ('char', 'varchar', 'binary', 'varbinary')
               THEN y.name + '(' + CASE c.max_length WHEN -1 THEN 'max' ELSE CAST(c.max_length AS varchar(5)) END + ')'
           WHEN y.name IN ('nchar', 'nvarchar')
               THEN y.name + '(' + CASE c.max_length WHEN -1 THEN 'max' ELSE CAST(c.max_length / 2 AS varchar(5)) END + ')'
           WHEN y.name IN ('decimal', 'numeric')
               THEN y.name + '(' + CAST(c.[precision] AS varchar(3)) + ',' + CAST(c.scale AS varchar(3)) + ')'
           WHEN y.name IN ('datetime2', 'datetimeoffset', 'time') THEN y.name + '(' + CAST(c.scale AS varchar(3)) + ')'
           ELSE y.name
       END AS type_name,
       CAST(CASE c.is_nullable WHEN 1 THEN 0 ELSE 1 END AS bit) AS not_null,
       COALESCE(k.[definition], d.[definition]) AS expression,
       CASE WHEN i.column_id IS NULL THEN '' WHEN i.is_not_for_replication = 1 THEN 'identity not for replication'
            ELSE 'identity' END AS identity_kind,
       CASE WHEN k.column_id IS NULL THEN '' WHEN k.is_persisted = 1 THEN 'persisted' ELSE 'computed' END AS generated_kind,
       c.collation_name
FROM sys.columns c
JOIN sys.objects o ON o.object_id = c.object_id
JOIN sys.schemas s ON s.schema_id = o.schema_id
JOIN sys.types y ON y.user_type_id = c.user_type_id
LEFT JOIN sys.computed_columns k ON k.object_id = c.object_id AND k.column_id = c.column_id
LEFT JOIN sys.default_constraints d ON d.object_id = c.default_object_id
LEFT JOIN sys.identity_columns i ON i.object_id = c.object_id AND i.column_id = c.column_id
WHERE o.is_ms_shipped = 0 AND o.type IN ('U', 'V')
ORDER BY s.name, o.name, c.column_id
