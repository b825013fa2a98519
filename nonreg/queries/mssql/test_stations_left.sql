SELECT 'station' AS kind, CAST(sta_code AS varchar(20)) AS code FROM ref.station WHERE sta_code = :station
UNION ALL
SELECT 'capteur', CAST(cap_id AS varchar(20)) FROM ref.capteur WHERE sta_code = :station
UNION ALL
SELECT 'mesure', CAST(COUNT(*) AS varchar(20)) FROM prod.mesure
WHERE cap_id IN (:level, :discharge, :rain) HAVING COUNT(*) > 0
