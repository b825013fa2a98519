SELECT t.schemaname || '.' || t.tablename AS article,
       CASE WHEN t.rowfilter IS NULL THEN 'toutes' ELSE t.rowfilter END AS published_rows,
       (SELECT count(*) FROM pg_attribute a
        WHERE a.attrelid = CAST(quote_ident(t.schemaname) || '.' || quote_ident(t.tablename) AS regclass)
          AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' AND NOT a.attname = ANY (t.attnames)
       ) AS unpublished_columns
FROM pg_publication_tables t
WHERE t.pubname = :publication
ORDER BY 1
