-- Who the publisher is for its Distributor, and whether that one is on another server: what its agents do is then not to be
-- read from here. The distribution database must bear its usual name.
SELECT @@SERVERNAME AS publisher, DB_NAME() AS publisher_db,
       CAST(CASE WHEN d.is_published = 1 AND DB_ID(N'distribution') IS NULL THEN 1 ELSE 0 END AS bit) AS is_elsewhere
FROM sys.databases d
WHERE d.database_id = DB_ID()
