SELECT s.name, s.setting FROM pg_settings s
WHERE s.name IN ('server_encoding', 'wal_level', 'track_commit_timestamp', 'default_transaction_isolation',
                 'standard_conforming_strings', 'TimeZone', 'password_encryption', 'session_replication_role')
UNION ALL
SELECT 'datcollate', d.datcollate FROM pg_database d WHERE d.datname = current_database()
UNION ALL
SELECT 'datctype', d.datctype FROM pg_database d WHERE d.datname = current_database()
UNION ALL
SELECT 'encoding', pg_encoding_to_char(d.encoding) FROM pg_database d WHERE d.datname = current_database()
UNION ALL
SELECT 'server_version_major', split_part(current_setting('server_version'), '.', 1)
ORDER BY 1
