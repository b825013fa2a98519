-- A counter of the errors of each subscription, which rises with each new one. A subscriber only knows whether its agent is
-- failing or trying again now (0 or 1); the publisher that is its own Distributor gives the number of the last error that its
-- history still has (48 hours unless set otherwise), the Log Reader's apart: cleaning may lower it, nothing but an error
-- raises it.
-- Right: as subscriber_agents or publisher_agents.
IF EXISTS (SELECT 1 FROM sys.partitions x WHERE x.object_id = OBJECT_ID(N'dbo.MSreplication_subscriptions') AND x.rows > 0)
    SELECT r.publication AS subscription, MAX(CASE WHEN a.last_sync_status IN (5, 6) THEN 1 ELSE 0 END) AS apply_errors,
           0 AS copy_errors
    FROM dbo.MSreplication_subscriptions r
    LEFT JOIN dbo.MSsubscription_agents a
        ON a.publisher = r.publisher AND a.publisher_db = r.publisher_db AND a.publication IN (r.publication, N'ALL')
    GROUP BY r.publication
    ORDER BY r.publication
ELSE IF OBJECT_ID(N'dbo.syssubscriptions') IS NULL OR DB_ID(N'distribution') IS NULL
    SELECT CAST(NULL AS nvarchar(400)) AS subscription, 0 AS apply_errors, 0 AS copy_errors WHERE 1 = 0
ELSE
    SELECT q.slot AS subscription, COALESCE(MAX(h.error_id), 0) AS apply_errors, 0 AS copy_errors
    FROM (
        SELECT DISTINCT p.name + N' vers ' + UPPER(s.srvname + N'.' + s.dest_db) AS slot, d.id
        FROM dbo.syssubscriptions s
        JOIN dbo.sysarticles a ON a.artid = s.artid
        JOIN dbo.syspublications p ON p.pubid = a.pubid
        JOIN distribution.dbo.MSdistribution_agents d
            ON d.publisher_db = DB_NAME() AND d.publication COLLATE DATABASE_DEFAULT IN (p.name, N'ALL')
            AND d.subscriber_db COLLATE DATABASE_DEFAULT = s.dest_db
            AND (d.job_id = s.distribution_jobid OR (d.subscription_type <> 0 AND d.subscriber_id = s.srvid))
        WHERE s.srvid >= 0
    ) q
    LEFT JOIN distribution.dbo.MSdistribution_history h ON h.agent_id = q.id
    GROUP BY q.slot
    UNION ALL
    SELECT N'lecture du journal' AS subscription, COALESCE(MAX(h.error_id), 0) AS apply_errors, 0 AS copy_errors
    FROM distribution.dbo.MSlogreader_agents g
    LEFT JOIN distribution.dbo.MSlogreader_history h ON h.agent_id = g.id
    WHERE g.publisher_db = DB_NAME()
    GROUP BY g.publisher_db
    ORDER BY subscription
