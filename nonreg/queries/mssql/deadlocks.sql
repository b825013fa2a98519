-- Deadlocks since an instant (UTC) that the system_health session still has in memory (its ring buffer is 4 MB: a busy
-- server loses the older ones, deadlocks_since says which; its files keep more), with their graph in XML. Right: VIEW SERVER STATE.
SELECT e.deadlock_utc, e.graph
FROM (
    SELECT n.value('@timestamp', 'datetime2(3)') AS deadlock_utc,
           CAST(n.query('data[@name="xml_report"]/value/deadlock') AS nvarchar(max)) AS graph
    FROM (
        SELECT CAST(t.target_data AS xml) AS ring
        FROM sys.dm_xe_sessions s
        JOIN sys.dm_xe_session_targets t ON t.event_session_address = s.address
        WHERE s.name = N'system_health' AND t.target_name = N'ring_buffer'
    ) b
    CROSS APPLY b.ring.nodes('RingBufferTarget/event[@name="xml_deadlock_report"]') AS r (n)
) e
WHERE e.deadlock_utc >= CAST(:since AS datetime2)
ORDER BY e.deadlock_utc
