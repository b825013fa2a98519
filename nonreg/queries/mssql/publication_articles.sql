-- Tables of a publication, the filter of their rows (toutes: none), and how many of their columns are left out.
-- Right: SELECT on dbo.syspublications, dbo.sysarticles and dbo.sysarticlecolumns.
IF OBJECT_ID(N'dbo.syspublications') IS NULL
    SELECT CAST(NULL AS nvarchar(257)) AS article, CAST(NULL AS nvarchar(4000)) AS published_rows, 0 AS unpublished_columns
    WHERE 1 = 0
ELSE
    SELECT SCHEMA_NAME(o.schema_id) + N'.' + o.name AS article,
           CASE WHEN DATALENGTH(a.filter_clause) > 0 THEN CAST(a.filter_clause AS nvarchar(4000))
                ELSE N'toutes' END AS published_rows,
           (SELECT COUNT(*) FROM sys.columns c
            WHERE c.object_id = a.objid AND c.is_computed = 0
              AND NOT EXISTS (SELECT 1 FROM dbo.sysarticlecolumns x WHERE x.artid = a.artid AND x.colid = c.column_id)
           ) AS unpublished_columns
    FROM dbo.syspublications p
    JOIN dbo.sysarticles a ON a.pubid = p.pubid
    JOIN sys.objects o ON o.object_id = a.objid
    WHERE p.name = :publication AND o.type = 'U'
    ORDER BY article
