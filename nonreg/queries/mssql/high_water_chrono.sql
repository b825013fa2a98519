SELECT MAX(chr_id) AS last FROM ref.chrono
WHERE chr_utc <= DATEADD(second, 0 - CAST(:margin_seconds AS int), SYSUTCDATETIME())
