-- The last record of this database's log, as `file:block:slot` in hexadecimal. From 2016 SP2. Right: VIEW SERVER STATE.
SELECT l.log_end_lsn AS [position] FROM sys.dm_db_log_stats(DB_ID()) l
