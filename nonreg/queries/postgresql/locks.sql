-- Requests that wait for a lock of another session, the longest wait first.
SELECT w.pid AS session_id, b.pid AS blocking_session_id, w.wait_event AS wait_type,
       extract(epoch FROM clock_timestamp() - coalesce(l.since, w.state_change)) AS wait_seconds, l.what AS wait_resource,
       w.datname AS database_name, left(w.query, 30) AS command, w.application_name AS waiting_program,
       b.application_name AS blocking_program, b.state AS blocking_status,
       CASE WHEN b.xact_start IS NULL THEN 0 ELSE 1 END AS blocking_transactions
FROM pg_stat_activity w
CROSS JOIN LATERAL unnest(pg_blocking_pids(w.pid)) AS x (pid)
JOIN pg_stat_activity b ON b.pid = x.pid
LEFT JOIN LATERAL (
    SELECT k.waitstart AS since, coalesce(CAST(CAST(k.relation AS regclass) AS text), k.locktype) AS what
    FROM pg_locks k WHERE k.pid = w.pid AND NOT k.granted ORDER BY k.waitstart LIMIT 1
) l ON true
ORDER BY 4 DESC
