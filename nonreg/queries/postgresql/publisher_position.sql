SELECT CAST(pg_current_wal_insert_lsn() AS text) AS position
