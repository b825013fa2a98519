-- The last backup of each kind (full, diff, log) of each database, made on this server; NULL where there was none.
-- age_hours and finished_local: server local time; size_bytes: before compression. A log backup has an object only when the
-- recovery model is not SIMPLE. Source: msdb.dbo.backupset. Right: SELECT on it.
SELECT d.name AS database_name, k.backup_kind, d.recovery_model_desc AS recovery_model,
       b.backup_finish_date AS finished_local, DATEDIFF(second, b.backup_finish_date, GETDATE()) / 3600.0 AS age_hours,
       b.is_copy_only, b.has_backup_checksums, b.is_damaged, b.backup_size AS size_bytes
FROM sys.databases d
CROSS JOIN (VALUES ('D', 'full'), ('I', 'diff'), ('L', 'log')) AS k (type, backup_kind)
OUTER APPLY (
    SELECT TOP (1) x.backup_finish_date, x.is_copy_only, x.has_backup_checksums, x.is_damaged, x.backup_size
    FROM msdb.dbo.backupset x
    WHERE x.database_name COLLATE DATABASE_DEFAULT = d.name COLLATE DATABASE_DEFAULT AND x.server_name = @@SERVERNAME
      AND x.type COLLATE DATABASE_DEFAULT = k.type
    ORDER BY x.backup_finish_date DESC
) b
WHERE d.database_id <> 2
ORDER BY d.name, k.backup_kind
