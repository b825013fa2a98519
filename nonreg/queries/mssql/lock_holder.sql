-- Who has the lock; a description is `0:[name]:(hash)`. Right: VIEW SERVER STATE, which the account that takes it has not.
SELECT x.program_name AS application_name, l.request_session_id AS pid,
       DATEADD(second, DATEDIFF(second, GETDATE(), GETUTCDATE()), x.login_time) AS since_utc
FROM sys.dm_tran_locks l JOIN sys.dm_exec_sessions x ON x.session_id = l.request_session_id
WHERE l.resource_type = 'APPLICATION' AND l.resource_database_id = DB_ID() AND l.request_status = 'GRANT'
  AND CHARINDEX('[aquareel-nonreg]', l.resource_description) > 0
