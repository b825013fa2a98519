-- One row per SQL Server Agent job. state: disabled, running (a job that starts with the Agent and never ends, such as
-- replication's: its history says nothing of it), never_run, history_purged (it ran, its history is gone) or ran.
-- last_outcome: failed, succeeded, retry, canceled, in_progress, or NULL when it never ran. started_local: server local time.
-- Source: msdb (sysjobs, syscategories, sysjobservers, sysjobhistory, sysjobactivity, syssessions, sysjobschedules,
-- sysschedules). Right: SELECT on these tables; SQLAgentReaderRole gives only the procedures.
SELECT j.name AS job_name, c.name AS category, SUSER_SNAME(j.owner_sid) AS owner_name, CAST(j.enabled AS bit) AS enabled,
       CASE WHEN j.enabled = 0 THEN 'disabled'
            WHEN EXISTS (
                SELECT 1 FROM msdb.dbo.sysjobactivity a
                WHERE a.job_id = j.job_id AND a.session_id = (SELECT MAX(y.session_id) FROM msdb.dbo.syssessions y)
                  AND a.start_execution_date IS NOT NULL AND a.stop_execution_date IS NULL
            ) AND EXISTS (
                SELECT 1 FROM msdb.dbo.sysjobschedules s JOIN msdb.dbo.sysschedules e ON e.schedule_id = s.schedule_id
                WHERE s.job_id = j.job_id AND e.enabled = 1 AND e.freq_type = 64
            ) THEN 'running'
            WHEN COALESCE(v.last_run_date, 0) = 0 AND h.instance_id IS NULL THEN 'never_run'
            WHEN h.instance_id IS NULL THEN 'history_purged' ELSE 'ran' END AS state,
       CASE COALESCE(h.run_status, CASE WHEN v.last_run_date > 0 THEN v.last_run_outcome END)
            WHEN 0 THEN 'failed' WHEN 1 THEN 'succeeded' WHEN 2 THEN 'retry' WHEN 3 THEN 'canceled' WHEN 4 THEN 'in_progress'
       END AS last_outcome,
       CASE WHEN r.run_date > 0 THEN DATETIMEFROMPARTS(
           r.run_date / 10000, r.run_date / 100 % 100, r.run_date % 100,
           r.run_time / 10000, r.run_time / 100 % 100, r.run_time % 100, 0) END AS started_local,
       r.run_duration / 10000 * 3600 + r.run_duration / 100 % 100 * 60 + r.run_duration % 100 AS duration_seconds,
       (SELECT COUNT(*) FROM msdb.dbo.sysjobschedules s JOIN msdb.dbo.sysschedules e ON e.schedule_id = s.schedule_id
        WHERE s.job_id = j.job_id AND e.enabled = 1) AS enabled_schedules,
       h.message
FROM msdb.dbo.sysjobs j
LEFT JOIN msdb.dbo.syscategories c ON c.category_id = j.category_id
LEFT JOIN msdb.dbo.sysjobservers v ON v.job_id = j.job_id AND v.server_id = 0
OUTER APPLY (
    SELECT TOP (1) x.instance_id, x.run_status, x.run_date, x.run_time, x.run_duration, x.message
    FROM msdb.dbo.sysjobhistory x WHERE x.job_id = j.job_id AND x.step_id = 0 ORDER BY x.instance_id DESC
) h
CROSS APPLY (
    SELECT COALESCE(h.run_date, v.last_run_date) AS run_date, COALESCE(h.run_time, v.last_run_time) AS run_time,
           CASE WHEN h.instance_id IS NULL AND COALESCE(v.last_run_date, 0) = 0 THEN NULL
                ELSE COALESCE(h.run_duration, v.last_run_duration) END AS run_duration
) r
ORDER BY j.name
