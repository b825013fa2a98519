SELECT com_site, com_module, com_version,
       DATEDIFF_BIG(millisecond, com_vu_utc, SYSUTCDATETIME()) / 1000.0 AS age_seconds
FROM evt.composant
ORDER BY com_site, com_module
