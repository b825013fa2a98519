-- Sequences, and the counters of identity columns under the name table.column (their bounds are those of the type).
-- Right: VIEW DEFINITION on the database.
SELECT s.name AS schema_name, q.name AS sequence_name, y.name AS type_name,
       CAST(q.start_value AS bigint) AS start_value, CAST(q.minimum_value AS bigint) AS min_value,
       CAST(q.maximum_value AS bigint) AS max_value, CAST(q.increment AS bigint) AS increment, q.is_cycling AS cycles
FROM sys.sequences q
JOIN sys.schemas s ON s.schema_id = q.schema_id
JOIN sys.types y ON y.user_type_id = q.user_type_id
WHERE q.is_ms_shipped = 0
UNION ALL
SELECT s.name, t.name + '.' + i.name, y.name, CAST(i.seed_value AS bigint), NULL, NULL,
       CAST(i.increment_value AS bigint), CAST(0 AS bit)
FROM sys.identity_columns i
JOIN sys.tables t ON t.object_id = i.object_id
JOIN sys.schemas s ON s.schema_id = t.schema_id
JOIN sys.types y ON y.user_type_id = i.user_type_id
WHERE t.is_ms_shipped = 0
ORDER BY schema_name, sequence_name
