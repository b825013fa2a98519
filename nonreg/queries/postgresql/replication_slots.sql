SELECT slot_name AS slot, active AS is_used, wal_status, conflicting AS is_conflicting,
       pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn) AS retained_bytes
FROM pg_replication_slots
WHERE database = current_database() AND NOT temporary
ORDER BY 1
