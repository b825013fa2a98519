SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) AS double precision) AS epoch_seconds
