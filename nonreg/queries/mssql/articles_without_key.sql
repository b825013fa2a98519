SELECT a.art_schema, a.art_table
FROM ha.article a
WHERE NOT EXISTS (
    SELECT 1 FROM sys.key_constraints k
    WHERE k.type = 'PK' AND k.parent_object_id = OBJECT_ID(QUOTENAME(a.art_schema) + '.' + QUOTENAME(a.art_table))
)
ORDER BY a.art_schema, a.art_table
