-- Keys, references, checks and defaults of user tables. A name that the system chose differs from one database to the next:
-- it is not shown. is_trusted is false for a reference or check that is disabled, or was not checked when it was
-- enabled; one that is NOT FOR REPLICATION is never trusted by nature, which its definition says.
-- Right: VIEW DEFINITION on the database.
SELECT s.name AS schema_name, t.name AS table_name,
       CASE WHEN k.is_system_named = 1 THEN N'(nom du système)' ELSE k.name END AS constraint_name,
       k.kind, k.[definition], k.is_trusted
FROM (
    SELECT c.parent_object_id, c.name, c.is_system_named, RTRIM(c.type) COLLATE DATABASE_DEFAULT AS kind,
           CASE i.type WHEN 1 THEN N'CLUSTERED (' ELSE N'NONCLUSTERED (' END + STUFF((
               SELECT N', ' + n.name + CASE x.is_descending_key WHEN 1 THEN N' DESC' ELSE N'' END
               FROM sys.index_columns x JOIN sys.columns n ON n.object_id = x.object_id AND n.column_id = x.column_id
               WHERE x.object_id = i.object_id AND x.index_id = i.index_id AND x.key_ordinal > 0
               ORDER BY x.key_ordinal FOR XML PATH('')), 1, 2, N'') + N')' AS [definition],
           CAST(CASE i.is_disabled WHEN 1 THEN 0 ELSE 1 END AS bit) AS is_trusted
    FROM sys.key_constraints c JOIN sys.indexes i ON i.object_id = c.parent_object_id AND i.index_id = c.unique_index_id
    UNION ALL
    SELECT f.parent_object_id, f.name, f.is_system_named, RTRIM(f.type) COLLATE DATABASE_DEFAULT,
           N'(' + STUFF((
               SELECT N', ' + n.name
               FROM sys.foreign_key_columns x
               JOIN sys.columns n ON n.object_id = x.parent_object_id AND n.column_id = x.parent_column_id
               WHERE x.constraint_object_id = f.object_id
               ORDER BY x.constraint_column_id FOR XML PATH('')), 1, 2, N'')
           + N') REFERENCES ' + SCHEMA_NAME(r.schema_id) + N'.' + r.name + N' (' + STUFF((
               SELECT N', ' + n.name
               FROM sys.foreign_key_columns x
               JOIN sys.columns n ON n.object_id = x.referenced_object_id AND n.column_id = x.referenced_column_id
               WHERE x.constraint_object_id = f.object_id
               ORDER BY x.constraint_column_id FOR XML PATH('')), 1, 2, N'')
           + N') ON DELETE ' + f.delete_referential_action_desc COLLATE DATABASE_DEFAULT
           + N' ON UPDATE ' + f.update_referential_action_desc COLLATE DATABASE_DEFAULT
           + CASE f.is_not_for_replication WHEN 1 THEN N' NOT FOR REPLICATION' ELSE N'' END,
           CAST(CASE WHEN f.is_disabled = 1 OR (f.is_not_trusted = 1 AND f.is_not_for_replication = 0) THEN 0 ELSE 1 END AS bit)
    FROM sys.foreign_keys f JOIN sys.objects r ON r.object_id = f.referenced_object_id
    UNION ALL
    SELECT c.parent_object_id, c.name, c.is_system_named, RTRIM(c.type) COLLATE DATABASE_DEFAULT,
           c.[definition] + CASE c.is_not_for_replication WHEN 1 THEN N' NOT FOR REPLICATION' ELSE N'' END,
           CAST(CASE WHEN c.is_disabled = 1 OR (c.is_not_trusted = 1 AND c.is_not_for_replication = 0) THEN 0 ELSE 1 END AS bit)
    FROM sys.check_constraints c
    UNION ALL
    SELECT d.parent_object_id, d.name, d.is_system_named, RTRIM(d.type) COLLATE DATABASE_DEFAULT,
           n.name + N' = ' + d.[definition], CAST(1 AS bit)
    FROM sys.default_constraints d
    JOIN sys.columns n ON n.object_id = d.parent_object_id AND n.column_id = d.parent_column_id
) k
JOIN sys.tables t ON t.object_id = k.parent_object_id
JOIN sys.schemas s ON s.schema_id = t.schema_id
WHERE t.is_ms_shipped = 0
ORDER BY s.name, t.name, constraint_name, k.[definition]
