SELECT com_site, com_module, com_version,
       EXTRACT(EPOCH FROM (clock_timestamp() AT TIME ZONE 'UTC') - com_vu_utc) AS age_seconds
FROM evt.composant
ORDER BY com_site, com_module
