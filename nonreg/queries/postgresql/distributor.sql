-- A PostgreSQL publisher distributes by itself.
SELECT current_setting('cluster_name') AS publisher, current_database() AS publisher_db, false AS is_elsewhere
