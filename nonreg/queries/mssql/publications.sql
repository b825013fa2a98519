-- Publications of this database and the kinds of change that each of their articles carries. A published table cannot be
-- truncated: no truncation ever escapes the subscribers. Right: SELECT on dbo.syspublications and dbo.sysarticles.
IF OBJECT_ID(N'dbo.syspublications') IS NULL
    SELECT CAST(NULL AS nvarchar(128)) AS publication, CAST(0 AS bit) AS inserts, CAST(0 AS bit) AS updates,
           CAST(0 AS bit) AS deletes, CAST(0 AS bit) AS truncates
    WHERE 1 = 0
ELSE
    SELECT p.name AS publication,
           CAST(MIN(CASE WHEN p.status = 1 AND a.ins_cmd <> N'NONE' THEN 1 ELSE 0 END) AS bit) AS inserts,
           CAST(MIN(CASE WHEN p.status = 1 AND a.upd_cmd <> N'NONE' THEN 1 ELSE 0 END) AS bit) AS updates,
           CAST(MIN(CASE WHEN p.status = 1 AND a.del_cmd <> N'NONE' THEN 1 ELSE 0 END) AS bit) AS deletes,
           CAST(1 AS bit) AS truncates
    FROM dbo.syspublications p
    LEFT JOIN dbo.sysarticles a ON a.pubid = p.pubid
    GROUP BY p.name
    ORDER BY p.name
