SELECT a.ala_id, a.ala_ouverte, a.ala_fermee, COUNT(b.evt_id) AS opening_events, COUNT(f.evt_id) AS closing_events
FROM evt.alarme a
LEFT JOIN evt.evenement b ON b.evt_module = 'detection' AND b.evt_fin = 0
    AND b.evt_message LIKE N'%ouverte, n° ' + CAST(a.ala_id AS nvarchar(20))
LEFT JOIN evt.evenement f ON f.evt_origine_id = b.evt_id AND f.evt_fin = 1
WHERE a.ala_ouverte >= CAST(:since AS datetime2) OR a.ala_fermee IS NULL
GROUP BY a.ala_id, a.ala_ouverte, a.ala_fermee
HAVING COUNT(b.evt_id) <> 1 OR COUNT(f.evt_id) <> CASE WHEN a.ala_fermee IS NULL THEN 0 ELSE 1 END
ORDER BY a.ala_id
