-- The service of SQL Server Agent: its state (Running, Stopped…) and its start mode, as the server sees them.
-- Source: sys.dm_server_services. Right: VIEW SERVER STATE.
SELECT s.servicename AS service, s.status_desc AS state, s.startup_type_desc AS start_mode
FROM sys.dm_server_services s
WHERE s.servicename LIKE N'SQL Server Agent%'
ORDER BY s.servicename
