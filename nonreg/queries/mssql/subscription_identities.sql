-- What changes when a subscription is created again or reinitialised. Right: SELECT on dbo.MSreplication_subscriptions.
IF OBJECT_ID(N'dbo.MSreplication_subscriptions') IS NULL
    SELECT CAST(NULL AS varchar(34)) AS [identity], CAST(NULL AS nvarchar(128)) AS subscription WHERE 1 = 0
ELSE
    SELECT CONVERT(varchar(34), r.subscription_guid, 1) AS [identity], r.publication AS subscription
    FROM dbo.MSreplication_subscriptions r
    ORDER BY [identity]
