-- Age of the last good full backup of this database, in hours; no row when none was ever made. msdb holds server local
-- time. Right: SELECT on msdb.dbo.backupset.
SELECT DATEDIFF(second, MAX(b.backup_finish_date), GETDATE()) / 3600.0 AS heures
FROM msdb.dbo.backupset b
WHERE b.database_name = DB_NAME() AND b.server_name = @@SERVERNAME AND b.type = 'D' AND b.is_damaged = 0
HAVING MAX(b.backup_finish_date) IS NOT NULL
