-- The service of SQL Server Agent: its state and its start mode, as the server sees them; its display name is in the language
-- of the server, the name of its file is not. Source: sys.dm_server_services. Right: VIEW SERVER STATE.
SELECT s.servicename AS service, CASE s.status WHEN 4 THEN N'Running' ELSE s.status_desc END AS state,
       s.startup_type_desc AS start_mode
FROM sys.dm_server_services s
WHERE UPPER(s.filename) LIKE N'%SQLAGENT%' OR s.servicename LIKE N'%SQL Server Agent%' OR s.servicename LIKE N'%Agent SQL Server%'
ORDER BY s.servicename
