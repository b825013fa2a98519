-- id: BASE-920
-- titre: Chaque capteur a une station (PostgreSQL)
-- criticite: majeure
-- effet: read_only
-- moteur: postgresql
-- attendu: aucune ligne
-- droits: SELECT ref.capteur, SELECT ref.station

SELECT c.cap_id, c.sta_code, c.cap_grandeur
FROM ref.capteur c
WHERE NOT EXISTS (SELECT 1 FROM ref.station s WHERE s.sta_code = c.sta_code)
ORDER BY c.cap_id;
