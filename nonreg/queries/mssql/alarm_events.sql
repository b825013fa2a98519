SELECT e.evt_niveau, e.evt_fin, LEFT(e.evt_message, CHARINDEX(',', e.evt_message + ',') - 1) AS message,
       CAST(CASE WHEN o.evt_id IS NULL THEN 0 ELSE 1 END AS bit) AS chained
FROM evt.evenement e
LEFT JOIN evt.evenement o ON o.evt_id = e.evt_origine_id AND o.evt_fin = 0
WHERE e.evt_module = 'detection' AND e.evt_message LIKE '%' + :station + '%'
ORDER BY e.evt_id
