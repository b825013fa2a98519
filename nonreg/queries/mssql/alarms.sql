SELECT s.seu_type, s.seu_sens, s.seu_ordre, a.ala_ouverte, a.ala_fermee,
       CAST(CASE WHEN a.ala_transmise IS NULL THEN 0 ELSE 1 END AS bit) AS transmise
FROM evt.alarme a
JOIN ref.seuil s ON s.seu_id = a.seu_id
JOIN ref.capteur c ON c.cap_id = s.cap_id
WHERE c.sta_code = :station
ORDER BY a.ala_id
