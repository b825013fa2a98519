SELECT a.art_schema, a.art_table
FROM ha.article a
WHERE NOT EXISTS (
    SELECT 1 FROM pg_constraint k
    WHERE k.contype = 'p' AND k.conrelid = CAST(a.art_schema || '.' || a.art_table AS regclass)
)
ORDER BY 1, 2
