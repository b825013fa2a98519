SELECT a.attname AS column_name, format_type(a.atttypid, a.atttypmod) AS data_type
FROM pg_attribute a
WHERE a.attrelid = CAST('nr.article_essai' AS regclass) AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum
