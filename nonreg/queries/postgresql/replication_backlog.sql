SELECT slot_name AS slot, 'octets' AS unit, pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0') AS written,
       coalesce(pg_wal_lsn_diff(confirmed_flush_lsn, '0/0'), 0) AS confirmed
FROM pg_replication_slots
WHERE slot_type = 'logical' AND database = current_database() AND NOT temporary
ORDER BY 1
