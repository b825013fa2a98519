-- Messages of the Log Reader and Distribution Agents of this database in the last minutes, the latest first, with the error
-- that each one refers to. run_status: 1 start, 2 succeed, 3 in progress, 4 idle, 5 retry, 6 fail; logged_local: server local
-- time; latency_ms and duration_seconds as named. At the Distributor. Right: role replmonitor with SELECT in distribution.
SELECT TOP (200) m.agent_kind, m.agent_name, m.run_status, m.logged_local, m.duration_seconds, m.latency_ms,
       m.delivered_transactions, m.delivered_commands, m.comments, e.error_code, e.error_text
FROM (
    SELECT 'distribution' AS agent_kind, a.name AS agent_name, h.runstatus AS run_status, h.[time] AS logged_local,
           h.duration AS duration_seconds, h.current_delivery_latency AS latency_ms, h.delivered_transactions,
           h.delivered_commands, h.comments, h.error_id
    FROM distribution.dbo.MSdistribution_history h
    JOIN distribution.dbo.MSdistribution_agents a ON a.id = h.agent_id
    WHERE a.publisher_db = DB_NAME()
    UNION ALL
    SELECT 'log_reader', a.name, h.runstatus, h.[time], h.duration, h.delivery_latency, h.delivered_transactions,
           h.delivered_commands, h.comments, h.error_id
    FROM distribution.dbo.MSlogreader_history h
    JOIN distribution.dbo.MSlogreader_agents a ON a.id = h.agent_id
    WHERE a.publisher_db = DB_NAME()
) m
OUTER APPLY (
    SELECT TOP (1) x.error_code, CAST(x.error_text AS nvarchar(max)) AS error_text
    FROM distribution.dbo.MSrepl_errors x WHERE m.error_id <> 0 AND x.id = m.error_id ORDER BY x.[time]
) e
WHERE m.logged_local >= DATEADD(minute, 0 - CAST(:minutes AS int), GETDATE())
ORDER BY m.logged_local DESC
