-- Right: VIEW SERVER STATE, for the account that takes the lock too. A description is `0:[name]:(hash)`.
SELECT x.program_name AS application_name, l.request_session_id AS pid
FROM sys.dm_tran_locks l JOIN sys.dm_exec_sessions x ON x.session_id = l.request_session_id
WHERE l.resource_type = 'APPLICATION' AND l.resource_database_id = DB_ID() AND l.request_status = 'GRANT'
  AND CHARINDEX('[aquareel-nonreg]', l.resource_description) > 0
