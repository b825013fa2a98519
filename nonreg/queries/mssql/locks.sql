-- Requests that wait for a lock of another session: who waits, for how long (seconds), on what, who blocks and what it said
-- last (it may be doing nothing any more in a transaction that it left open). Source: dynamic views. Right: VIEW SERVER STATE.
SELECT w.session_id, w.blocking_session_id, w.wait_type, w.wait_time / 1000.0 AS wait_seconds, w.wait_resource,
       DB_NAME(w.database_id) AS database_name, w.command, x.program_name AS waiting_program, x.login_name AS waiting_login,
       b.program_name AS blocking_program, b.login_name AS blocking_login, b.status AS blocking_status,
       b.open_transaction_count AS blocking_transactions, LEFT(t.text, 1000) AS waiting_text, LEFT(u.text, 1000) AS blocking_text
FROM sys.dm_exec_requests w
JOIN sys.dm_exec_sessions x ON x.session_id = w.session_id
LEFT JOIN sys.dm_exec_sessions b ON b.session_id = w.blocking_session_id
LEFT JOIN sys.dm_exec_connections c ON c.session_id = w.blocking_session_id AND c.parent_connection_id IS NULL
OUTER APPLY sys.dm_exec_sql_text(w.sql_handle) t
OUTER APPLY sys.dm_exec_sql_text(c.most_recent_sql_handle) u
WHERE w.blocking_session_id <> 0
ORDER BY w.wait_time DESC
