SELECT n.nspname || '.' || c.relname AS article,
       CASE r.srsubstate WHEN 'r' THEN 'prêt' WHEN 'i' THEN 'à initialiser' WHEN 'd' THEN 'copie en cours'
                         WHEN 'f' THEN 'copie finie' WHEN 's' THEN 'synchronisé' ELSE CAST(r.srsubstate AS text) END AS state
FROM pg_subscription_rel r
JOIN pg_class c ON c.oid = r.srrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
ORDER BY 1
