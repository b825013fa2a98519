SELECT 'station' AS kind, sta_code AS code FROM ref.station WHERE sta_code = :station
UNION ALL
SELECT 'capteur', CAST(cap_id AS text) FROM ref.capteur WHERE sta_code = :station
UNION ALL
SELECT 'mesure', CAST(count(*) AS text) FROM prod.mesure WHERE cap_id IN (:level, :discharge, :rain) HAVING count(*) > 0
