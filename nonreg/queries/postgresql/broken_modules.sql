SELECT n.nspname || '.' || p.proname AS module_name, r.name AS missing_object
FROM pg_proc p
JOIN pg_namespace n ON n.oid = p.pronamespace
CROSS JOIN LATERAL (
    SELECT DISTINCT m[2] AS name
    FROM regexp_matches(p.prosrc, '\m(FROM|JOIN|INTO|UPDATE|PERFORM)\s+((ref|tampon|prod|evt|cfg|ha|nr|securite)\.\w+)', 'gi') m
) r
WHERE n.nspname IN ('ref', 'tampon', 'prod', 'evt', 'cfg', 'ha', 'nr')
  AND to_regclass(r.name) IS NULL
  AND NOT EXISTS (
      SELECT 1 FROM pg_proc q JOIN pg_namespace m ON m.oid = q.pronamespace
      WHERE m.nspname || '.' || q.proname = lower(r.name)
  )
ORDER BY 1, 2
