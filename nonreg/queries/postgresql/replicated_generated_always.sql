SELECT a.art_schema, a.art_table, t.attname
FROM ha.article a
JOIN pg_attribute t ON t.attrelid = CAST(a.art_schema || '.' || a.art_table AS regclass)
WHERE t.attidentity = 'a'
ORDER BY 1, 2
