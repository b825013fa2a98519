SELECT c.name AS column_name,
       CASE
           WHEN y.name IN ('char', 'varchar', 'binary', 'varbinary')
               THEN y.name + '(' + CASE c.max_length WHEN -1 THEN 'max' ELSE CAST(c.max_length AS varchar(5)) END + ')'
           WHEN y.name IN ('nchar', 'nvarchar')
               THEN y.name + '(' + CASE c.max_length WHEN -1 THEN 'max' ELSE CAST(c.max_length / 2 AS varchar(5)) END + ')'
           WHEN y.name IN ('decimal', 'numeric')
               THEN y.name + '(' + CAST(c.[precision] AS varchar(3)) + ',' + CAST(c.scale AS varchar(3)) + ')'
           WHEN y.name IN ('datetime2', 'datetimeoffset', 'time') THEN y.name + '(' + CAST(c.scale AS varchar(3)) + ')'
           ELSE y.name
       END AS data_type
FROM sys.columns c
JOIN sys.types y ON y.user_type_id = c.user_type_id
WHERE c.object_id = OBJECT_ID(N'nr.article_essai')
ORDER BY c.column_id
