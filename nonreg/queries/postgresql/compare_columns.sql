-- Columns of one table in the order of its key, its primary key or else a unique index of columns that are never NULL.
-- A type of one's own may have the name of one of the server's; NOT NULL may have been declared without a check.
SELECT CASE WHEN row_security_active(c.oid) THEN 'filtered'
            WHEN c.relkind = 'r' AND EXISTS (SELECT 1 FROM pg_inherits h WHERE h.inhparent = c.oid) THEN 'parent'
            WHEN c.relkind = 'r' AND EXISTS (SELECT 1 FROM pg_am m WHERE m.oid = c.relam AND m.amname <> 'heap')
                THEN 'foreign' ELSE CAST(c.relkind AS text) END AS relation_kind,
       a.attname AS column_name,
       CASE WHEN t.typnamespace <> CAST('pg_catalog' AS regnamespace)
            THEN CAST(CAST(t.typnamespace AS regnamespace) AS text) || '.' ELSE '' END || t.typname AS type_name,
       CASE WHEN t.typname = 'numeric' AND a.atttypmod >= 4 THEN (a.atttypmod - 4) & 65535
            WHEN t.typname IN ('timestamp', 'timestamptz', 'time') AND a.atttypmod >= 0 THEN a.atttypmod END AS scale,
       NOT a.attnotnull OR EXISTS (
           SELECT 1 FROM pg_constraint y WHERE y.conrelid = c.oid AND CAST(y.contype AS text) = 'n' AND NOT y.convalidated
             AND a.attnum = ANY(y.conkey)) AS nullable, a.attgenerated <> '' AS computed, k.ordinal AS key_position
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN LATERAL (
    SELECT i.indexrelid, i.indkey, i.indnkeyatts
    FROM pg_index i
    WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
      AND NOT EXISTS (
          SELECT 1 FROM pg_attribute x, generate_series(0, i.indnkeyatts - 1) g
          WHERE x.attrelid = c.oid AND x.attnum = i.indkey[g] AND NOT x.attnotnull)
    ORDER BY i.indisprimary DESC, i.indexrelid
    LIMIT 1
) i ON true
LEFT JOIN LATERAL (
    SELECT g + 1 AS ordinal FROM generate_series(0, i.indnkeyatts - 1) g WHERE i.indkey[g] = a.attnum
) k ON true
WHERE n.nspname = :schema_name AND c.relname = :table_name
ORDER BY a.attnum
