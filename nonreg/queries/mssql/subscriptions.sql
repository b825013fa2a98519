-- Subscriptions of this database, as the Distribution Agent keeps them here. Enabled: it was initialised and has a position
-- in the publisher log, which a reinitialisation takes away. The slot is the subscription as the publisher names it.
-- Right: SELECT on dbo.MSreplication_subscriptions.
IF OBJECT_ID(N'dbo.MSreplication_subscriptions') IS NULL
    SELECT CAST(NULL AS nvarchar(128)) AS subscription, CAST(0 AS bit) AS is_enabled, CAST(NULL AS nvarchar(400)) AS slot,
           CAST(NULL AS nvarchar(128)) AS publications
    WHERE 1 = 0
ELSE
    SELECT r.publication AS subscription, CAST(CASE WHEN r.transaction_timestamp > 0x00 THEN 1 ELSE 0 END AS bit) AS is_enabled,
           r.publication + N' vers ' + UPPER(@@SERVERNAME + N'.' + DB_NAME()) AS slot, r.publication AS publications
    FROM dbo.MSreplication_subscriptions r
    ORDER BY r.publication
