-- Since when (UTC) the ring buffer of the system_health session remembers: since the session was started when nothing
-- has left it, else since its first event, the oldest; NULL when the session or that target is not there. Truncated: the server
-- shows only a part of what it keeps (the XML has 4 MB at most). Right: VIEW SERVER STATE.
SELECT CAST(MIN(CASE WHEN r.processed > r.kept THEN COALESCE(r.oldest_utc, SYSUTCDATETIME()) ELSE r.started_utc END)
            AS datetime2(3)) AS since_utc,
       COALESCE(MAX(r.truncated), 0) AS is_truncated
FROM (
    SELECT b.ring.value('(RingBufferTarget/@totalEventsProcessed)[1]', 'bigint') AS processed,
           b.ring.value('(RingBufferTarget/@eventCount)[1]', 'bigint') AS kept,
           b.ring.value('(RingBufferTarget/@truncated)[1]', 'int') AS truncated,
           b.ring.value('(RingBufferTarget/event/@timestamp)[1]', 'datetime2(3)') AS oldest_utc,
           DATEADD(second, DATEDIFF(second, GETDATE(), GETUTCDATE()), b.create_time) AS started_utc
    FROM (
        SELECT s.create_time, CAST(t.target_data AS xml) AS ring
        FROM sys.dm_xe_sessions s
        JOIN sys.dm_xe_session_targets t ON t.event_session_address = s.address
        WHERE s.name = N'system_health' AND t.target_name = N'ring_buffer'
    ) b
) r
