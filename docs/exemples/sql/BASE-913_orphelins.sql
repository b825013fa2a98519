-- id: BASE-913
-- titre: Aucun orphelin : chaque capteur a sa station, chaque seuil son capteur
-- criticite: majeure
-- effet: read_only
-- attendu: aucune ligne
-- droits: SELECT ref.station, SELECT ref.capteur, SELECT ref.seuil

-- Deux contrôles, deux résultats : chacun doit être vide, et l'écart dit lequel ne l'est pas.
DECLARE @orphelin TABLE (genre varchar(10) NOT NULL, id int NOT NULL, motif nvarchar(60), PRIMARY KEY (genre, id));
INSERT INTO @orphelin (genre, id)
SELECT 'capteur', c.cap_id FROM ref.capteur c WHERE NOT EXISTS (SELECT 1 FROM ref.station s WHERE s.sta_code = c.sta_code)
UNION ALL
SELECT 'seuil', s.seu_id FROM ref.seuil s WHERE NOT EXISTS (SELECT 1 FROM ref.capteur c WHERE c.cap_id = s.cap_id);
UPDATE o SET motif = CONCAT(N'station ', c.sta_code)
FROM @orphelin AS o
JOIN ref.capteur c ON c.cap_id = o.id
WHERE o.genre = 'capteur';
SELECT id AS cap_id, motif FROM @orphelin WHERE genre = 'capteur' ORDER BY id;
SELECT id AS seu_id FROM @orphelin WHERE genre = 'seuil' ORDER BY id;
