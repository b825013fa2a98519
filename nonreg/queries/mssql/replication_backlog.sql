-- What each subscription has still to receive (written less confirmed): its commands that wait in the distribution database;
-- and, in bytes, the part of the log that the Log Reader has not read when something published is in it (nobody confirms it).
-- Confirmed is what is delivered and still kept: the cleaning of the distribution database lowers both numbers alike. Commands
-- are counted without waiting for the agents, and without reading what they hold: it is a figure, not a proof.
-- Where and with which rights: as publisher_agents, and VIEW SERVER STATE. From 2016 SP2.
IF OBJECT_ID(N'dbo.syssubscriptions') IS NULL OR DB_ID(N'distribution') IS NULL
    SELECT CAST(NULL AS nvarchar(400)) AS slot, CAST(NULL AS nvarchar(20)) AS unit, CAST(0 AS bigint) AS written,
           CAST(0 AS bigint) AS confirmed
    WHERE 1 = 0
ELSE
    WITH q AS (
        SELECT DISTINCT p.name + N' vers ' + UPPER(s.srvname + N'.' + s.dest_db) AS slot, d.id, d.publisher_database_id
        FROM dbo.syssubscriptions s
        JOIN dbo.sysarticles a ON a.artid = s.artid
        JOIN dbo.syspublications p ON p.pubid = a.pubid
        JOIN distribution.dbo.MSdistribution_agents d
            ON d.publisher_db = DB_NAME() AND d.publication COLLATE DATABASE_DEFAULT IN (p.name, N'ALL')
            AND d.subscriber_db COLLATE DATABASE_DEFAULT = s.dest_db
            AND (d.job_id = s.distribution_jobid OR (d.subscription_type <> 0 AND d.subscriber_id = s.srvid))
        WHERE s.srvid >= 0
    ),
    e AS (
        SELECT CONVERT(varbinary(10), REPLACE(x.log_min_lsn, ':', ''), 2) AS first_lsn,
               CONVERT(varbinary(10), REPLACE(x.log_end_lsn, ':', ''), 2) AS last_lsn
        FROM sys.dm_db_log_stats(DB_ID()) x
    ),
    r AS (
        SELECT o.publisher_database_id, e.last_lsn, COALESCE(MAX(x.xact_seqno), e.first_lsn) AS read_lsn
        FROM (SELECT DISTINCT q.publisher_database_id FROM q) o
        CROSS JOIN e
        LEFT JOIN distribution.dbo.MSrepl_transactions x ON x.publisher_database_id = o.publisher_database_id
        GROUP BY o.publisher_database_id, e.first_lsn, e.last_lsn
    ),
    b AS (
        SELECT COALESCE(SUM(x.cntr_value), 1) AS pending
        FROM sys.dm_os_performance_counters x
        WHERE x.object_name LIKE '%Databases%' AND x.counter_name = 'Repl. Pending Xacts' AND x.instance_name = DB_NAME()
    )
    SELECT q.slot, N'commandes' AS unit, c.written, c.confirmed
    FROM q
    CROSS APPLY (
        SELECT COALESCE(MAX(x.xact_seqno), 0x00) AS delivered
        FROM distribution.dbo.MSdistribution_history x WHERE x.agent_id = q.id
    ) h
    CROSS APPLY (
        SELECT COUNT_BIG(*) AS written, COALESCE(SUM(y.is_delivered), CAST(0 AS bigint)) AS confirmed
        FROM (
            SELECT CAST(CASE WHEN x.xact_seqno <= h.delivered THEN 1 ELSE 0 END AS bigint) AS is_delivered
            FROM distribution.dbo.MSrepl_commands x WITH (NOLOCK)
            JOIN distribution.dbo.MSsubscriptions m
                ON m.agent_id = q.id AND m.publisher_database_id = x.publisher_database_id AND m.article_id = x.article_id
            WHERE x.publisher_database_id = q.publisher_database_id
        ) y
    ) c
    UNION ALL
    SELECT N'journal à lire' AS slot, N'octets' AS unit, u.unread AS written, CAST(NULL AS bigint) AS confirmed
    FROM r
    CROSS JOIN b
    CROSS APPLY (
        -- From the block of the last transaction read to the one of the last record: blocks are counted in 512 bytes.
        SELECT CASE WHEN b.pending = 0 OR r.last_lsn <= r.read_lsn THEN 0 ELSE
                   512 * (CAST(CAST(SUBSTRING(r.last_lsn, 5, 4) AS int) AS bigint) - CAST(SUBSTRING(r.read_lsn, 5, 4) AS int))
                   + COALESCE(SUM(CAST(v.vlf_size_mb * 1048576 AS bigint)), 0) END AS unread
        FROM sys.dm_db_log_info(DB_ID()) v
        WHERE v.vlf_sequence_number >= CAST(SUBSTRING(r.read_lsn, 1, 4) AS int)
          AND v.vlf_sequence_number < CAST(SUBSTRING(r.last_lsn, 1, 4) AS int)
    ) u
    ORDER BY slot
