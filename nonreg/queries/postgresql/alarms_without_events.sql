SELECT a.ala_id, a.ala_ouverte, a.ala_fermee, count(b.evt_id) AS opening_events, count(f.evt_id) AS closing_events
FROM evt.alarme a
LEFT JOIN evt.evenement b ON b.evt_module = 'detection' AND NOT b.evt_fin AND b.evt_message LIKE '%ouverte, n° ' || a.ala_id
LEFT JOIN evt.evenement f ON f.evt_origine_id = b.evt_id AND f.evt_fin
WHERE a.ala_ouverte >= CAST(:since AS timestamp) OR a.ala_fermee IS NULL
GROUP BY a.ala_id, a.ala_ouverte, a.ala_fermee
HAVING count(b.evt_id) <> 1 OR count(f.evt_id) <> CASE WHEN a.ala_fermee IS NULL THEN 0 ELSE 1 END
ORDER BY a.ala_id
