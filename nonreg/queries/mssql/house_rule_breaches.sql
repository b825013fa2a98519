-- Objects that do not follow the coding rules. A constraint that the system named is shown by its table and column, since
-- its name differs from one database to the next. Right: VIEW DEFINITION on the database.
SELECT s.name + '.' + o.name AS object_name, N'fonction scalaire' AS [rule]
FROM sys.objects o
JOIN sys.schemas s ON s.schema_id = o.schema_id
WHERE o.is_ms_shipped = 0 AND o.type IN ('FN', 'FS')
UNION ALL
SELECT s.name + '.' + o.name, N'boucle ligne à ligne (curseur)'
FROM sys.sql_modules m
JOIN sys.objects o ON o.object_id = m.object_id
JOIN sys.schemas s ON s.schema_id = o.schema_id
WHERE o.is_ms_shipped = 0
  AND ' ' + m.[definition] + ' ' LIKE '%[^A-Za-z0-9_@#]CURSOR[^A-Za-z0-9_]%' COLLATE Latin1_General_CI_AS
UNION ALL
SELECT s.name + '.' + o.name + '.' + CASE WHEN k.is_system_named = 1 THEN COALESCE(c.name, k.kind) ELSE k.name END,
       N'contrainte sans nom explicite'
FROM (
    SELECT parent_object_id, name, is_system_named, 0 AS parent_column_id, type COLLATE DATABASE_DEFAULT AS kind
    FROM sys.key_constraints
    UNION ALL
    SELECT parent_object_id, name, is_system_named, 0, type COLLATE DATABASE_DEFAULT FROM sys.foreign_keys
    UNION ALL
    SELECT parent_object_id, name, is_system_named, parent_column_id, type COLLATE DATABASE_DEFAULT
    FROM sys.check_constraints
    UNION ALL
    SELECT parent_object_id, name, is_system_named, parent_column_id, type COLLATE DATABASE_DEFAULT
    FROM sys.default_constraints
) k
JOIN sys.objects o ON o.object_id = k.parent_object_id
JOIN sys.schemas s ON s.schema_id = o.schema_id
LEFT JOIN sys.columns c ON c.object_id = k.parent_object_id AND c.column_id = k.parent_column_id
WHERE o.is_ms_shipped = 0 AND o.type = 'U'
  AND (k.is_system_named = 1 OR LOWER(LEFT(k.name, 3)) NOT IN ('pk_', 'uk_', 'ux_', 'fk_', 'ck_', 'df_'))
UNION ALL
SELECT MIN(s.name + '.' + t.name) + '.' + c.name, N'colonne du même nom dans plusieurs tables, hors clé étrangère'
FROM sys.columns c
JOIN sys.tables t ON t.object_id = c.object_id
JOIN sys.schemas s ON s.schema_id = t.schema_id
WHERE t.is_ms_shipped = 0
  AND NOT EXISTS (
      SELECT 1 FROM sys.foreign_key_columns f
      WHERE f.parent_object_id = c.object_id AND f.parent_column_id = c.column_id
  )
  AND NOT EXISTS (
      SELECT 1 FROM sys.index_columns x
      JOIN sys.indexes i ON i.object_id = x.object_id AND i.index_id = x.index_id
      WHERE i.is_primary_key = 1 AND x.object_id = c.object_id AND x.column_id = c.column_id
  )
GROUP BY c.name HAVING COUNT(*) > 1
ORDER BY [rule], object_name
