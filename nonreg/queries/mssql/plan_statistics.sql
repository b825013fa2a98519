-- The 30 statements of this database in the plan cache that took most time since their plan was made: executions, times in
-- milliseconds, logical reads in pages. Source: sys.dm_exec_query_stats. Right: VIEW SERVER STATE.
SELECT TOP (30)
       COALESCE(OBJECT_SCHEMA_NAME(t.objectid, t.dbid) + N'.' + OBJECT_NAME(t.objectid, t.dbid), N'') AS object_name,
       s.execution_count AS executions, s.total_elapsed_time / s.execution_count / 1000.0 AS average_ms,
       s.max_elapsed_time / 1000.0 AS max_ms, s.total_elapsed_time / 1000.0 AS total_ms,
       s.total_worker_time / s.execution_count / 1000.0 AS average_cpu_ms,
       s.total_logical_reads / s.execution_count AS average_logical_reads,
       s.creation_time AS planned_local, s.last_execution_time AS last_execution_local,
       LEFT(SUBSTRING(t.text, s.statement_start_offset / 2 + 1,
           (CASE s.statement_end_offset WHEN -1 THEN DATALENGTH(t.text) ELSE s.statement_end_offset END
            - s.statement_start_offset) / 2 + 1), 1000) AS query_text
FROM sys.dm_exec_query_stats s
CROSS APPLY sys.dm_exec_sql_text(s.sql_handle) t
CROSS APPLY (
    SELECT CAST(a.value AS int) AS database_id FROM sys.dm_exec_plan_attributes(s.plan_handle) a WHERE a.attribute = 'dbid'
) p
WHERE p.database_id = DB_ID()
ORDER BY s.total_elapsed_time DESC
