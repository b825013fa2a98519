SELECT s.slot_name AS slot, CAST(r.replay_lsn AS text) AS replayed, r.replay_lsn >= CAST(:position AS pg_lsn) AS has_reached
FROM pg_replication_slots s
JOIN pg_stat_replication r ON r.pid = s.active_pid
WHERE s.slot_type = 'logical' AND s.database = current_database() AND NOT s.temporary
ORDER BY 1
