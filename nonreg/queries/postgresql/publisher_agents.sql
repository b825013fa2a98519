SELECT s.slot_name AS slot, r.pid AS agent, r.state
FROM pg_replication_slots s
LEFT JOIN pg_stat_replication r ON r.pid = s.active_pid
WHERE s.slot_type = 'logical' AND s.database = current_database() AND NOT s.temporary
ORDER BY 1
