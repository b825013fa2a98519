-- Indexes of user tables and views, those of the keys included; a name that the system chose is not shown.
-- Right: VIEW DEFINITION on the database.
SELECT s.name AS schema_name, o.name AS table_name,
       CASE WHEN k.is_system_named = 1 THEN N'(nom du système)' ELSE i.name END AS index_name,
       CASE i.is_unique WHEN 1 THEN N'UNIQUE ' ELSE N'' END + i.type_desc COLLATE DATABASE_DEFAULT
       + COALESCE(N' (' + STUFF((
           SELECT N', ' + n.name + CASE x.is_descending_key WHEN 1 THEN N' DESC' ELSE N'' END
           FROM sys.index_columns x JOIN sys.columns n ON n.object_id = x.object_id AND n.column_id = x.column_id
           WHERE x.object_id = i.object_id AND x.index_id = i.index_id AND x.key_ordinal > 0
           ORDER BY x.key_ordinal FOR XML PATH('')), 1, 2, N'') + N')', N'')
       + COALESCE(N' INCLUDE (' + STUFF((
           SELECT N', ' + n.name
           FROM sys.index_columns x JOIN sys.columns n ON n.object_id = x.object_id AND n.column_id = x.column_id
           WHERE x.object_id = i.object_id AND x.index_id = i.index_id AND x.is_included_column = 1
           ORDER BY n.name FOR XML PATH('')), 1, 2, N'') + N')', N'')
       + COALESCE(N' WHERE ' + i.filter_definition, N'') AS [definition],
       CAST(CASE WHEN i.is_disabled = 1 OR i.is_hypothetical = 1 THEN 0 ELSE 1 END AS bit) AS is_usable
FROM sys.indexes i
JOIN sys.objects o ON o.object_id = i.object_id
JOIN sys.schemas s ON s.schema_id = o.schema_id
LEFT JOIN sys.key_constraints k ON k.parent_object_id = i.object_id AND k.unique_index_id = i.index_id
WHERE o.is_ms_shipped = 0 AND o.type IN ('U', 'V') AND i.index_id > 0
ORDER BY s.name, o.name, index_name, [definition]
