SELECT n.nspname || '.' || p.proname AS object_name, 'fonction scalaire' AS rule
FROM pg_proc p
JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema'
  AND p.prokind = 'f' AND NOT p.proretset AND p.prorettype <> CAST('trigger' AS regtype) AND p.proname NOT LIKE 'usp\_%'
UNION ALL
SELECT n.nspname || '.' || p.proname, 'boucle ligne à ligne (curseur)'
FROM pg_proc p
JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema' AND p.prosrc ~* '\mFOR\s+\w+\s+IN\s+SELECT\M|\mCURSOR\M'
UNION ALL
SELECT n.nspname || '.' || c.relname || '.' || k.conname, 'contrainte sans nom explicite'
FROM pg_constraint k
JOIN pg_class c ON c.oid = k.conrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema' AND k.contype <> 'n' AND k.conname !~ '^(pk|uk|ux|fk|ck|df)_'
UNION ALL
SELECT min(n.nspname || '.' || c.relname) || '.' || a.attname, 'colonne du même nom dans plusieurs tables, hors clé étrangère'
FROM pg_attribute a
JOIN pg_class c ON c.oid = a.attrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
  AND n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema'
  AND NOT EXISTS (
      SELECT 1 FROM pg_constraint k
      WHERE k.conrelid = a.attrelid AND k.contype IN ('f', 'p') AND a.attnum = ANY (k.conkey)
  )
GROUP BY a.attname HAVING count(*) > 1
ORDER BY 2, 1
