SELECT e.evt_niveau, e.evt_fin, split_part(e.evt_message, ',', 1) AS message, o.evt_id IS NOT NULL AS chained
FROM evt.evenement e
LEFT JOIN evt.evenement o ON o.evt_id = e.evt_origine_id AND NOT o.evt_fin
WHERE e.evt_module = 'detection' AND e.evt_message LIKE '%' || :station || '%'
ORDER BY e.evt_id
