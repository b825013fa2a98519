-- Identity columns of articles that the replication agents could not fill with the publisher values as they are: those
-- which are not NOT FOR REPLICATION. Right: VIEW DEFINITION on the database.
SELECT a.art_schema, a.art_table, i.name AS attname
FROM ha.article a
JOIN sys.identity_columns i ON i.object_id = OBJECT_ID(QUOTENAME(a.art_schema) + '.' + QUOTENAME(a.art_table))
WHERE i.is_not_for_replication = 0
ORDER BY a.art_schema, a.art_table
