-- The agents that carry this database to each subscription: the Log Reader and the Distribution Agent. One runs when its job
-- does (an agent that pulls has its job elsewhere) and its last message is no failure; a restart shows by its start.
-- Read at the publisher that is its own Distributor; no row elsewhere. Right: SELECT on dbo.syssubscriptions, dbo.sysarticles
-- and dbo.syspublications; role replmonitor with SELECT in distribution; SELECT on msdb.dbo.sysjobactivity and syssessions.
IF OBJECT_ID(N'dbo.syssubscriptions') IS NULL OR DB_ID(N'distribution') IS NULL
    SELECT CAST(NULL AS nvarchar(400)) AS slot, CAST(NULL AS nvarchar(100)) AS agent, CAST(NULL AS nvarchar(40)) AS state
    WHERE 1 = 0
ELSE
    SELECT q.slot,
           CASE WHEN q.local_job = 1 AND j.job_id IS NULL THEN NULL
                ELSE CONVERT(nvarchar(23), l.start_time, 126) + N' ' + CONVERT(nvarchar(23), h.start_time, 126) END AS agent,
           CASE WHEN COALESCE(l.is_running, 0) = 0 THEN N'lecture du journal arrêtée'
                WHEN l.runstatus IN (5, 6) THEN N'lecture du journal en échec'
                WHEN q.local_job = 1 AND j.job_id IS NULL THEN N'arrêté'
                WHEN h.runstatus = 5 THEN N'en reprise'
                WHEN h.runstatus = 6 THEN N'en échec'
                ELSE N'en marche' END AS state
    FROM (
        SELECT DISTINCT p.name + N' vers ' + UPPER(s.srvname + N'.' + s.dest_db) AS slot,
               d.id, d.publisher_id, d.job_id, d.local_job
        FROM dbo.syssubscriptions s
        JOIN dbo.sysarticles a ON a.artid = s.artid
        JOIN dbo.syspublications p ON p.pubid = a.pubid
        JOIN distribution.dbo.MSdistribution_agents d
            ON d.publisher_db = DB_NAME() AND d.publication COLLATE DATABASE_DEFAULT IN (p.name, N'ALL')
            AND d.subscriber_db COLLATE DATABASE_DEFAULT = s.dest_db
            AND (d.job_id = s.distribution_jobid OR (d.subscription_type <> 0 AND d.subscriber_id = s.srvid))
        WHERE s.srvid >= 0
    ) q
    OUTER APPLY (
        SELECT TOP (1) x.runstatus, x.start_time
        FROM distribution.dbo.MSdistribution_history x WHERE x.agent_id = q.id ORDER BY x.[timestamp] DESC
    ) h
    OUTER APPLY (
        SELECT TOP (1) x.job_id
        FROM msdb.dbo.sysjobactivity x
        WHERE x.job_id = CAST(q.job_id AS uniqueidentifier)
          AND x.session_id = (SELECT MAX(y.session_id) FROM msdb.dbo.syssessions y)
          AND x.start_execution_date IS NOT NULL AND x.stop_execution_date IS NULL
    ) j
    OUTER APPLY (
        SELECT TOP (1) x.runstatus, x.start_time, CASE WHEN g.local_job = 0 OR EXISTS (
                   SELECT 1 FROM msdb.dbo.sysjobactivity z
                   WHERE z.job_id = CAST(g.job_id AS uniqueidentifier)
                     AND z.session_id = (SELECT MAX(y.session_id) FROM msdb.dbo.syssessions y)
                     AND z.start_execution_date IS NOT NULL AND z.stop_execution_date IS NULL
               ) THEN 1 ELSE 0 END AS is_running
        FROM distribution.dbo.MSlogreader_agents g
        LEFT JOIN distribution.dbo.MSlogreader_history x ON x.agent_id = g.id
        WHERE g.publisher_id = q.publisher_id AND g.publisher_db = DB_NAME()
        ORDER BY x.[timestamp] DESC
    ) l
    ORDER BY q.slot
