SELECT s.subname AS subscription, s.pid AS agent, CASE WHEN s.pid IS NULL THEN 'arrêté' ELSE 'en marche' END AS state
FROM pg_stat_subscription s
WHERE s.relid IS NULL
ORDER BY 1
