-- The agent that writes here for each subscription: its session and when it logged in, so that a restart shows.
-- Right: SELECT on dbo.MSreplication_subscriptions and dbo.MSsubscription_agents, VIEW SERVER STATE.
IF OBJECT_ID(N'dbo.MSreplication_subscriptions') IS NULL
    SELECT CAST(NULL AS nvarchar(128)) AS subscription, CAST(NULL AS nvarchar(60)) AS agent, CAST(NULL AS nvarchar(20)) AS state
    WHERE 1 = 0
ELSE
    SELECT r.publication AS subscription,
           CAST(x.session_id AS nvarchar(10)) + N' ' + CONVERT(nvarchar(23), x.login_time, 126) AS agent,
           CASE WHEN x.session_id IS NULL THEN N'arrêté' WHEN a.last_sync_status = 5 THEN N'en reprise'
                WHEN a.last_sync_status = 6 THEN N'en échec' ELSE N'en marche' END AS state
    FROM dbo.MSreplication_subscriptions r
    LEFT JOIN dbo.MSsubscription_agents a
        ON a.publisher = r.publisher AND a.publisher_db = r.publisher_db AND a.publication IN (r.publication, N'ALL')
    LEFT JOIN sys.dm_exec_sessions x ON x.session_id = a.spid AND x.login_time = a.login_time
    ORDER BY r.publication
