SELECT s.subname AS subscription, s.subenabled AS is_enabled, s.subslotname AS slot,
       array_to_string(s.subpublications, ', ') AS publications
FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid
WHERE d.datname = current_database()
ORDER BY 1
