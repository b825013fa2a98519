SELECT a.application_name, a.pid, a.backend_start AT TIME ZONE 'UTC' AS since_utc
FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'advisory' AND l.granted AND l.objid = CAST(CAST(hashtext('aquareel-nonreg') AS bigint) & 4294967295 AS oid)
