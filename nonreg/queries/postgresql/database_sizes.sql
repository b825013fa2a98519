-- The size of each database in bytes; the log is the server's, and grows as long as something holds it.
SELECT d.datname AS database_name, 'ONLINE' AS state, pg_database_size(d.oid) AS data_bytes,
       w.log_bytes, CAST(NULL AS bigint) AS log_used_bytes, 'NOTHING' AS log_reuse_wait
FROM pg_database d
CROSS JOIN (SELECT sum(size) AS log_bytes FROM pg_ls_waldir()) w
WHERE d.datallowconn AND NOT d.datistemplate
ORDER BY 1
