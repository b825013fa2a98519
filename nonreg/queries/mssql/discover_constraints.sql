-- Constraints of user tables. One that is NOT FOR REPLICATION is never trusted by nature: it counts as trusted.
-- Stands in the scenarios that it proposes, as a derived table: no ORDER BY. Right: VIEW DEFINITION on the database.
SELECT s.name AS schema_name, t.name AS table_name, k.name AS constraint_name, k.kind, k.is_enabled, k.is_trusted,
       CASE k.is_system_named WHEN 1 THEN 1 ELSE 0 END AS is_system_named
FROM (
    SELECT c.parent_object_id, c.name, c.is_system_named, CASE c.type WHEN 'PK' THEN 'primary_key' ELSE 'unique' END AS kind,
           CASE i.is_disabled WHEN 1 THEN 0 ELSE 1 END AS is_enabled, 1 AS is_trusted
    FROM sys.key_constraints c
    JOIN sys.indexes i ON i.object_id = c.parent_object_id AND i.index_id = c.unique_index_id
    UNION ALL
    SELECT f.parent_object_id, f.name, f.is_system_named, 'foreign_key', CASE f.is_disabled WHEN 1 THEN 0 ELSE 1 END,
           CASE WHEN f.is_not_trusted = 1 AND f.is_not_for_replication = 0 THEN 0 ELSE 1 END
    FROM sys.foreign_keys f
    UNION ALL
    SELECT c.parent_object_id, c.name, c.is_system_named, 'check', CASE c.is_disabled WHEN 1 THEN 0 ELSE 1 END,
           CASE WHEN c.is_not_trusted = 1 AND c.is_not_for_replication = 0 THEN 0 ELSE 1 END
    FROM sys.check_constraints c
    UNION ALL
    SELECT d.parent_object_id, d.name, d.is_system_named, 'default', 1, 1
    FROM sys.default_constraints d
) k
JOIN sys.tables t ON t.object_id = k.parent_object_id
JOIN sys.schemas s ON s.schema_id = t.schema_id
WHERE t.is_ms_shipped = 0
