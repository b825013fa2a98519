SELECT evt_module, count(*) AS sequences
FROM evt.evenement
WHERE NOT evt_fin AND evt_origine_id IS NULL AND evt_module <> 'detection' AND evt_utc >= CAST(:since AS timestamp)
GROUP BY evt_module
ORDER BY evt_module
