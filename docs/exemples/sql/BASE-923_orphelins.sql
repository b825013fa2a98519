-- id: BASE-923
-- titre: Aucun orphelin : chaque capteur a sa station, chaque seuil son capteur (PostgreSQL)
-- criticite: majeure
-- effet: read_only
-- moteur: postgresql
-- attendu: aucune ligne
-- droits: SELECT ref.station, SELECT ref.capteur, SELECT ref.seuil

-- Deux contrôles, deux résultats : chacun doit être vide, et l'écart dit lequel ne l'est pas.
SELECT c.cap_id, c.sta_code
FROM ref.capteur c
WHERE NOT EXISTS (SELECT 1 FROM ref.station s WHERE s.sta_code = c.sta_code)
ORDER BY c.cap_id;
SELECT s.seu_id, s.cap_id
FROM ref.seuil s
WHERE NOT EXISTS (SELECT 1 FROM ref.capteur c WHERE c.cap_id = s.cap_id)
ORDER BY s.seu_id;
