-- Procedures, functions, views and triggers with the text of their definition; NULL where it is encrypted or may not be read.
-- A setting at creation that is not the usual one is told by the kind. What replication made is left out: marked as
-- shipped with the product, or in the subscriber's own list of its procedures. Right: VIEW DEFINITION on the database.
IF OBJECT_ID(N'dbo.MSreplication_objects') IS NULL
    SELECT s.name AS schema_name, o.name AS module_name,
           CASE o.type WHEN 'P' THEN 'procedure' WHEN 'V' THEN 'view' WHEN 'TR' THEN 'trigger' ELSE 'function' END
           + CASE WHEN m.uses_ansi_nulls = 0 THEN ', ANSI_NULLS OFF' ELSE '' END
           + CASE WHEN m.uses_quoted_identifier = 0 THEN ', QUOTED_IDENTIFIER OFF' ELSE '' END AS kind,
           m.[definition]
    FROM sys.objects o
    JOIN sys.schemas s ON s.schema_id = o.schema_id
    LEFT JOIN sys.sql_modules m ON m.object_id = o.object_id
    WHERE o.is_ms_shipped = 0 AND o.type IN ('P', 'FN', 'IF', 'TF', 'V', 'TR')
    ORDER BY s.name, o.name
ELSE
    SELECT s.name AS schema_name, o.name AS module_name,
           CASE o.type WHEN 'P' THEN 'procedure' WHEN 'V' THEN 'view' WHEN 'TR' THEN 'trigger' ELSE 'function' END
           + CASE WHEN m.uses_ansi_nulls = 0 THEN ', ANSI_NULLS OFF' ELSE '' END
           + CASE WHEN m.uses_quoted_identifier = 0 THEN ', QUOTED_IDENTIFIER OFF' ELSE '' END AS kind,
           m.[definition]
    FROM sys.objects o
    JOIN sys.schemas s ON s.schema_id = o.schema_id
    LEFT JOIN sys.sql_modules m ON m.object_id = o.object_id
    WHERE o.is_ms_shipped = 0 AND o.type IN ('P', 'FN', 'IF', 'TF', 'V', 'TR')
      AND NOT EXISTS (
          SELECT 1 FROM dbo.MSreplication_objects r
          WHERE r.object_name = o.name AND r.object_type <> 'U' AND o.schema_id = SCHEMA_ID(N'dbo')
      )
    ORDER BY s.name, o.name
