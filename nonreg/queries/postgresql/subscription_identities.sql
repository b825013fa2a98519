SELECT CAST(s.oid AS bigint) AS identity, s.subname AS subscription
FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid
WHERE d.datname = current_database()
ORDER BY 1
