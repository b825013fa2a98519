SELECT evt_module, COUNT(*) AS sequences
FROM evt.evenement
WHERE evt_fin = 0 AND evt_origine_id IS NULL AND evt_module <> 'detection' AND evt_utc >= CAST(:since AS datetime2)
GROUP BY evt_module
ORDER BY evt_module
