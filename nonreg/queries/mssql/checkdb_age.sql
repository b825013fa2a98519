-- When DBCC CHECKDB last ended without error on each database, in server local time and in hours; NULL when it never did
-- (or before 2016 SP2 and 2017 CU9, which do not tell). Right: access to each database.
SELECT d.name AS database_name, c.last_good_local, DATEDIFF(second, c.last_good_local, GETDATE()) / 3600.0 AS age_hours
FROM sys.databases d
CROSS APPLY (
    SELECT NULLIF(
        CAST(DATABASEPROPERTYEX(d.name, 'LastGoodCheckDbTime') AS datetime), CAST('19000101' AS datetime)
    ) AS last_good_local
) c
WHERE d.database_id <> 2 AND d.state = 0
ORDER BY d.name
