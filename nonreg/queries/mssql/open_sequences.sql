SELECT e.evt_utc, e.evt_module, e.evt_message
FROM evt.evenement e
WHERE e.evt_fin = 0 AND e.evt_origine_id IS NULL AND e.evt_module <> 'detection'
  AND e.evt_utc >= CAST(:since AS datetime2)
  AND NOT EXISTS (SELECT 1 FROM evt.evenement f WHERE f.evt_origine_id = e.evt_id AND f.evt_fin = 1)
ORDER BY e.evt_id
