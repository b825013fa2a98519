-- The size of this database in bytes; the log is the server's, and grows as long as something holds it.
SELECT current_database() AS database_name, 'ONLINE' AS state, pg_database_size(current_database()) AS data_bytes,
       (SELECT sum(size) FROM pg_ls_waldir()) AS log_bytes, CAST(NULL AS bigint) AS log_used_bytes, 'NOTHING' AS log_reuse_wait
