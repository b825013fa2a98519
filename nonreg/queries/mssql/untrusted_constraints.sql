-- References and checks that are disabled, or that were not checked when they were enabled. Those declared NOT FOR
-- REPLICATION are never trusted by nature: they count only when they are disabled. Right: VIEW DEFINITION on the database.
SELECT s.name AS schema_name, t.name AS table_name, k.name AS constraint_name
FROM (
    SELECT parent_object_id, name, is_disabled, is_not_trusted, is_not_for_replication FROM sys.foreign_keys
    UNION ALL
    SELECT parent_object_id, name, is_disabled, is_not_trusted, is_not_for_replication FROM sys.check_constraints
) k
JOIN sys.tables t ON t.object_id = k.parent_object_id
JOIN sys.schemas s ON s.schema_id = t.schema_id
WHERE t.is_ms_shipped = 0 AND (k.is_disabled = 1 OR (k.is_not_trusted = 1 AND k.is_not_for_replication = 0))
ORDER BY s.name, t.name, k.name
