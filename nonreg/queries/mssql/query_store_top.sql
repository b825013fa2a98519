-- The 30 queries of this database that took most time in the last hours: executions, times in milliseconds, logical reads in
-- pages, number of plans. No row when Query Store is off. Source: Query Store. Right: VIEW DATABASE STATE.
SELECT TOP (30) q.query_id, COALESCE(OBJECT_SCHEMA_NAME(q.object_id) + N'.' + OBJECT_NAME(q.object_id), N'') AS object_name,
       SUM(r.count_executions) AS executions,
       SUM(r.avg_duration * r.count_executions) / SUM(r.count_executions) / 1000.0 AS average_ms,
       MAX(r.max_duration) / 1000.0 AS max_ms,
       SUM(r.avg_duration * r.count_executions) / 1000.0 AS total_ms,
       SUM(r.avg_logical_io_reads * r.count_executions) / SUM(r.count_executions) AS average_logical_reads,
       COUNT(DISTINCT r.plan_id) AS plan_count,
       MAX(LEFT(t.query_sql_text, 1000)) AS query_text
FROM sys.query_store_runtime_stats r
JOIN sys.query_store_runtime_stats_interval i ON i.runtime_stats_interval_id = r.runtime_stats_interval_id
JOIN sys.query_store_plan p ON p.plan_id = r.plan_id
JOIN sys.query_store_query q ON q.query_id = p.query_id
JOIN sys.query_store_query_text t ON t.query_text_id = q.query_text_id
WHERE i.end_time >= DATEADD(hour, 0 - CAST(:hours AS int), SYSDATETIMEOFFSET())
GROUP BY q.query_id, q.object_id
ORDER BY total_ms DESC
