-- Size of the files of this database and use of its log, in bytes, and what keeps the log from being freed (log_reuse_wait).
-- Source: sys.database_files, performance counters. Right: VIEW SERVER STATE, VIEW DEFINITION.
SELECT d.name AS database_name, d.state_desc AS state,
       SUM(CASE f.type WHEN 0 THEN CAST(f.size AS bigint) * 8192 ELSE 0 END) AS data_bytes,
       SUM(CASE f.type WHEN 1 THEN CAST(f.size AS bigint) * 8192 ELSE 0 END) AS log_bytes,
       MAX(u.cntr_value) * 1024 AS log_used_bytes,
       MAX(d.log_reuse_wait_desc) AS log_reuse_wait
FROM sys.databases d
CROSS JOIN sys.database_files f
LEFT JOIN sys.dm_os_performance_counters u
    ON u.object_name LIKE '%Databases%' AND u.counter_name = 'Log File(s) Used Size (KB)'
    AND RTRIM(u.instance_name) COLLATE DATABASE_DEFAULT = d.name COLLATE DATABASE_DEFAULT
WHERE d.database_id = DB_ID()
GROUP BY d.name, d.state_desc
