-- Last transaction delivered to each subscription whose agent runs, and whether all that was published up to a position of
-- the log is delivered: the Log Reader has passed the position (it brought a later transaction, or has none to bring), and
-- no command of the subscription up to it waits. Where and with which rights: as publisher_agents, and VIEW SERVER STATE.
IF OBJECT_ID(N'dbo.syssubscriptions') IS NULL OR DB_ID(N'distribution') IS NULL
    SELECT CAST(NULL AS nvarchar(400)) AS slot, CAST(NULL AS varchar(40)) AS replayed, CAST(0 AS bit) AS has_reached
    WHERE 1 = 0
ELSE
    SELECT q.slot, CONVERT(varchar(40), h.delivered, 1) AS replayed,
           CAST(CASE WHEN (b.pending = 0 OR r.brought >= w.lsn) AND NOT EXISTS (
               SELECT 1
               FROM distribution.dbo.MSrepl_commands c
               JOIN distribution.dbo.MSsubscriptions m
                   ON m.agent_id = q.id AND m.publisher_database_id = c.publisher_database_id AND m.article_id = c.article_id
               WHERE c.publisher_database_id = q.publisher_database_id
                 AND c.xact_seqno > h.delivered AND c.xact_seqno <= w.lsn
           ) THEN 1 ELSE 0 END AS bit) AS has_reached
    FROM (
        SELECT DISTINCT p.name + N' vers ' + UPPER(s.srvname + N'.' + s.dest_db) AS slot, d.id, d.publisher_database_id
        FROM dbo.syssubscriptions s
        JOIN dbo.sysarticles a ON a.artid = s.artid
        JOIN dbo.syspublications p ON p.pubid = a.pubid
        JOIN distribution.dbo.MSdistribution_agents d
            ON d.publisher_db = DB_NAME() AND d.publication COLLATE DATABASE_DEFAULT IN (p.name, N'ALL')
            AND d.subscriber_db COLLATE DATABASE_DEFAULT = s.dest_db
            AND (d.job_id = s.distribution_jobid OR (d.subscription_type <> 0 AND d.subscriber_id = s.srvid))
        WHERE s.srvid >= 0
    ) q
    CROSS JOIN (SELECT CONVERT(varbinary(10), REPLACE(:position, ':', ''), 2) AS lsn) w
    CROSS APPLY (
        SELECT COALESCE(MAX(x.xact_seqno), 0x00) AS delivered
        FROM distribution.dbo.MSdistribution_history x WHERE x.agent_id = q.id
    ) h
    CROSS APPLY (
        SELECT TOP (1) x.runstatus
        FROM distribution.dbo.MSdistribution_history x WHERE x.agent_id = q.id ORDER BY x.[timestamp] DESC
    ) s
    CROSS APPLY (
        SELECT MAX(x.xact_seqno) AS brought
        FROM distribution.dbo.MSrepl_transactions x WHERE x.publisher_database_id = q.publisher_database_id
    ) r
    CROSS JOIN (
        SELECT COALESCE(SUM(x.cntr_value), 1) AS pending
        FROM sys.dm_os_performance_counters x
        WHERE x.object_name LIKE '%Databases%' AND x.counter_name = 'Repl. Pending Xacts' AND x.instance_name = DB_NAME()
    ) b
    WHERE s.runstatus IN (1, 2, 3, 4)
    ORDER BY q.slot
