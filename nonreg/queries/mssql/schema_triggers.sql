-- Triggers of user tables and views; definition says the moment, the events, the rank and what replication does not fire.
-- Right: VIEW DEFINITION on the database.
SELECT s.name AS schema_name, o.name AS table_name, g.name AS trigger_name,
       CASE g.is_disabled WHEN 1 THEN N'désactivé' ELSE N'activé' END AS enabled,
       CASE g.is_instead_of_trigger WHEN 1 THEN N'INSTEAD OF ' ELSE N'AFTER ' END + STUFF((
           SELECT N', ' + e.type_desc COLLATE DATABASE_DEFAULT
                  + CASE WHEN e.is_first = 1 THEN N' FIRST' WHEN e.is_last = 1 THEN N' LAST' ELSE N'' END
           FROM sys.trigger_events e WHERE e.object_id = g.object_id
           ORDER BY e.type FOR XML PATH('')), 1, 2, N'')
       + CASE g.is_not_for_replication WHEN 1 THEN N' NOT FOR REPLICATION' ELSE N'' END AS [definition]
FROM sys.triggers g
JOIN sys.objects o ON o.object_id = g.parent_id
JOIN sys.schemas s ON s.schema_id = o.schema_id
WHERE g.parent_class = 1 AND g.is_ms_shipped = 0 AND o.is_ms_shipped = 0
ORDER BY s.name, o.name, g.name
