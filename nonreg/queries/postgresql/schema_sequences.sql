SELECT n.nspname AS schema_name, c.relname AS sequence_name, format_type(s.seqtypid, NULL) AS type_name,
       s.seqstart AS start_value, s.seqmin AS min_value, s.seqmax AS max_value, s.seqincrement AS increment, s.seqcycle AS cycles
FROM pg_sequence s
JOIN pg_class c ON c.oid = s.seqrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
ORDER BY 1, 2
