-- Bytes that each subscription has still to receive (written less confirmed): its commands that wait in the distribution
-- database, and the part of the log that the Log Reader has not read when something published is in it. Confirmed is what
-- is delivered and still kept: the cleaning of the distribution database lowers both numbers alike. Commands are read
-- without waiting for the agents: it is a figure, not a proof.
-- Where and with which rights: as publisher_agents, and VIEW SERVER STATE. From 2016 SP2.
IF OBJECT_ID(N'dbo.syssubscriptions') IS NULL OR DB_ID(N'distribution') IS NULL
    SELECT CAST(NULL AS nvarchar(400)) AS slot, CAST(0 AS bigint) AS written_bytes, CAST(0 AS bigint) AS confirmed_bytes
    WHERE 1 = 0
ELSE
    SELECT q.slot, COALESCE(c.kept, 0) + COALESCE(u.unread, 0) AS written_bytes, COALESCE(c.delivered, 0) AS confirmed_bytes
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
    CROSS APPLY (
        SELECT COALESCE(MAX(x.xact_seqno), 0x00) AS delivered
        FROM distribution.dbo.MSdistribution_history x WHERE x.agent_id = q.id
    ) h
    CROSS APPLY (
        SELECT SUM(y.size) AS kept, SUM(CASE y.is_delivered WHEN 1 THEN y.size ELSE 0 END) AS delivered
        FROM (
            SELECT CAST(DATALENGTH(x.command) AS bigint) AS size,
                   CASE WHEN x.xact_seqno <= h.delivered THEN 1 ELSE 0 END AS is_delivered
            FROM distribution.dbo.MSrepl_commands x WITH (NOLOCK)
            JOIN distribution.dbo.MSsubscriptions m
                ON m.agent_id = q.id AND m.publisher_database_id = x.publisher_database_id AND m.article_id = x.article_id
            WHERE x.publisher_database_id = q.publisher_database_id
        ) y
    ) c
    CROSS JOIN (
        SELECT CONVERT(varbinary(10), REPLACE(x.log_min_lsn, ':', ''), 2) AS first_lsn,
               CONVERT(varbinary(10), REPLACE(x.log_end_lsn, ':', ''), 2) AS lsn
        FROM sys.dm_db_log_stats(DB_ID()) x
    ) e
    CROSS APPLY (
        SELECT COALESCE(MAX(x.xact_seqno), e.first_lsn) AS lsn
        FROM distribution.dbo.MSrepl_transactions x WHERE x.publisher_database_id = q.publisher_database_id
    ) r
    CROSS JOIN (
        SELECT COALESCE(SUM(x.cntr_value), 1) AS pending
        FROM sys.dm_os_performance_counters x
        WHERE x.object_name LIKE '%Databases%' AND x.counter_name = 'Repl. Pending Xacts' AND x.instance_name = DB_NAME()
    ) b
    OUTER APPLY (
        -- From the block of the last transaction read to the one of the last record: blocks are counted in 512 bytes.
        SELECT CASE WHEN b.pending = 0 OR e.lsn <= r.lsn THEN 0 ELSE
                   512 * (CAST(CAST(SUBSTRING(e.lsn, 5, 4) AS int) AS bigint) - CAST(SUBSTRING(r.lsn, 5, 4) AS int))
                   + COALESCE(SUM(CAST(v.vlf_size_mb * 1048576 AS bigint)), 0) END AS unread
        FROM sys.dm_db_log_info(DB_ID()) v
        WHERE v.vlf_sequence_number >= CAST(SUBSTRING(r.lsn, 1, 4) AS int)
          AND v.vlf_sequence_number < CAST(SUBSTRING(e.lsn, 1, 4) AS int)
    ) u
    ORDER BY q.slot
