SELECT slot_name AS slot, pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0') AS written_bytes,
       pg_wal_lsn_diff(confirmed_flush_lsn, '0/0') AS confirmed_bytes
FROM pg_replication_slots
WHERE slot_type = 'logical' AND database = current_database() AND NOT temporary
ORDER BY 1
