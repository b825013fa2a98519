-- Columns of one table or view, its key: the primary key or else a unique index of columns that are never NULL.
-- hierarchyid, geometry and geography have no system type of their own name. A masked value would equal any other one.
SELECT CASE WHEN EXISTS (SELECT 1 FROM sys.security_predicates f
                         JOIN sys.security_policies g ON g.object_id = f.object_id AND g.is_enabled = 1
                         WHERE f.target_object_id = o.object_id AND f.predicate_type = 0)
            THEN 'filtered' ELSE RTRIM(o.type) END AS relation_kind, c.name AS column_name,
       COALESCE(y.name, TYPE_NAME(c.user_type_id))
           + CASE WHEN c.is_masked = 1 AND COALESCE(HAS_PERMS_BY_NAME(DB_NAME(), 'DATABASE', 'UNMASK'), 0) = 0
                  THEN N' masqué pour ce compte' ELSE N'' END AS type_name,
       CASE WHEN y.name IN ('decimal', 'numeric', 'datetime2', 'datetimeoffset', 'time') THEN CAST(c.scale AS int)
            WHEN y.name = 'datetime' THEN 3 WHEN y.name = 'smalldatetime' THEN 0
            WHEN y.name IN ('money', 'smallmoney') THEN 4 END AS scale,
       c.is_nullable AS nullable, c.is_computed AS computed, k.key_ordinal AS key_position
FROM sys.objects o
JOIN sys.schemas s ON s.schema_id = o.schema_id
JOIN sys.columns c ON c.object_id = o.object_id
LEFT JOIN sys.types y ON y.user_type_id = c.system_type_id
OUTER APPLY (
    SELECT TOP (1) i.index_id
    FROM sys.indexes i
    WHERE i.object_id = o.object_id AND i.is_unique = 1 AND i.has_filter = 0 AND i.is_disabled = 0
      AND NOT EXISTS (
          SELECT 1
          FROM sys.index_columns x
          JOIN sys.columns z ON z.object_id = x.object_id AND z.column_id = x.column_id
          WHERE x.object_id = i.object_id AND x.index_id = i.index_id AND x.key_ordinal > 0 AND z.is_nullable = 1)
    ORDER BY i.is_primary_key DESC, i.index_id
) i
LEFT JOIN sys.index_columns k
    ON k.object_id = o.object_id AND k.index_id = i.index_id AND k.column_id = c.column_id AND k.key_ordinal > 0
WHERE s.name = :schema_name AND o.name = :table_name AND o.type IN ('U', 'V')
ORDER BY c.column_id
