-- Jobs that run now: since when (server local time and seconds), and the step at work. Activity of earlier starts of the
-- Agent does not count. Source: msdb. Right: SELECT on msdb.dbo.sysjobs, sysjobactivity, syssessions and sysjobsteps.
SELECT j.name AS job_name, a.start_execution_date AS started_local,
       DATEDIFF(second, a.start_execution_date, GETDATE()) AS running_seconds,
       COALESCE(a.last_executed_step_id, 0) + 1 AS step_id, s.step_name, s.subsystem
FROM msdb.dbo.sysjobactivity a
JOIN msdb.dbo.sysjobs j ON j.job_id = a.job_id
LEFT JOIN msdb.dbo.sysjobsteps s ON s.job_id = a.job_id AND s.step_id = COALESCE(a.last_executed_step_id, 0) + 1
WHERE a.session_id = (SELECT MAX(x.session_id) FROM msdb.dbo.syssessions x)
  AND a.start_execution_date IS NOT NULL AND a.stop_execution_date IS NULL
ORDER BY j.name
