-- State of each subscription at the publisher: read by a running agent, kept (reserved) while it is active, unreserved until
-- its first copy, lost once it was deactivated; conflicting when it is marked for a new copy. Retained: what the log
-- cannot free because of replication, in bytes. Where and with which rights: as publisher_agents, and VIEW SERVER STATE.
IF OBJECT_ID(N'dbo.syssubscriptions') IS NULL OR DB_ID(N'distribution') IS NULL
    SELECT CAST(NULL AS nvarchar(400)) AS slot, CAST(0 AS bit) AS is_used, CAST(NULL AS nvarchar(20)) AS wal_status,
           CAST(0 AS bit) AS is_conflicting, CAST(0 AS bigint) AS retained_bytes
    WHERE 1 = 0
ELSE
    SELECT q.slot,
           CAST(CASE WHEN h.runstatus IN (5, 6) OR (q.local_job = 1 AND j.job_id IS NULL) THEN 0 ELSE 1 END AS bit) AS is_used,
           CASE q.status WHEN 0 THEN N'lost' WHEN 1 THEN N'unreserved' ELSE N'reserved' END AS wal_status,
           CAST(q.queued_reinit AS bit) AS is_conflicting,
           CASE WHEN l.log_truncation_holdup_reason = N'REPLICATION'
                THEN CAST(l.active_log_size_mb * 1048576 AS bigint) ELSE 0 END AS retained_bytes
    FROM (
        SELECT p.name + N' vers ' + UPPER(s.srvname + N'.' + s.dest_db) AS slot, d.id, d.job_id, d.local_job,
               MIN(s.status) AS status, MAX(CAST(s.queued_reinit AS int)) AS queued_reinit
        FROM dbo.syssubscriptions s
        JOIN dbo.sysarticles a ON a.artid = s.artid
        JOIN dbo.syspublications p ON p.pubid = a.pubid
        JOIN distribution.dbo.MSdistribution_agents d
            ON d.publisher_db = DB_NAME() AND d.publication COLLATE DATABASE_DEFAULT IN (p.name, N'ALL')
            AND d.subscriber_db COLLATE DATABASE_DEFAULT = s.dest_db
            AND (d.job_id = s.distribution_jobid OR (d.subscription_type <> 0 AND d.subscriber_id = s.srvid))
        WHERE s.srvid >= 0
        GROUP BY p.name, s.srvname, s.dest_db, d.id, d.job_id, d.local_job
    ) q
    OUTER APPLY (
        SELECT TOP (1) x.runstatus
        FROM distribution.dbo.MSdistribution_history x WHERE x.agent_id = q.id ORDER BY x.[timestamp] DESC
    ) h
    OUTER APPLY (
        SELECT TOP (1) x.job_id
        FROM msdb.dbo.sysjobactivity x
        WHERE x.job_id = CAST(q.job_id AS uniqueidentifier)
          AND x.session_id = (SELECT MAX(y.session_id) FROM msdb.dbo.syssessions y)
          AND x.start_execution_date IS NOT NULL AND x.stop_execution_date IS NULL
    ) j
    CROSS JOIN sys.dm_db_log_stats(DB_ID()) l
    ORDER BY q.slot
