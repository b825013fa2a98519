-- Requests that wait for a lock of another session: who waits, for how long (seconds), on what, and who blocks; that one may be
-- doing nothing any more in a transaction that it left open. Source: dynamic views. Right: VIEW SERVER STATE.
SELECT w.session_id, w.blocking_session_id, w.wait_type, w.wait_time / 1000.0 AS wait_seconds, w.wait_resource,
       DB_NAME(w.database_id) AS database_name, w.command, x.program_name AS waiting_program,
       b.program_name AS blocking_program, b.status AS blocking_status, b.open_transaction_count AS blocking_transactions
FROM sys.dm_exec_requests w
JOIN sys.dm_exec_sessions x ON x.session_id = w.session_id
LEFT JOIN sys.dm_exec_sessions b ON b.session_id = w.blocking_session_id
WHERE w.blocking_session_id <> 0 AND w.wait_type LIKE N'LCK%'
ORDER BY w.wait_time DESC
