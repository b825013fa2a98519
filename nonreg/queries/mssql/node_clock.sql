SELECT CAST(DATEDIFF_BIG(microsecond, CAST('1970-01-01' AS datetime2), SYSUTCDATETIME()) AS float) / 1000000 AS epoch_seconds
