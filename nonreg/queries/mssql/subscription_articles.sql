-- Articles that this subscriber receives. Articles are named schema.table when they are added to the publication.
-- Right: SELECT on dbo.MSreplication_objects and dbo.MSreplication_subscriptions.
IF OBJECT_ID(N'dbo.MSreplication_objects') IS NULL
    SELECT CAST(NULL AS nvarchar(257)) AS article, CAST(NULL AS nvarchar(20)) AS state WHERE 1 = 0
ELSE
    SELECT o.article, CASE WHEN MIN(r.transaction_timestamp) > 0x00 THEN N'prêt' ELSE N'à initialiser' END AS state
    FROM dbo.MSreplication_objects o
    LEFT JOIN dbo.MSreplication_subscriptions r
        ON r.publisher = o.publisher AND r.publisher_db = o.publisher_db AND r.publication = o.publication
    GROUP BY o.article
    ORDER BY o.article
