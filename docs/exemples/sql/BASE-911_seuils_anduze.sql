-- id: BASE-911
-- titre: Seuils du Gard à Anduze, du plus bas au plus haut
-- criticite: majeure
-- effet: read_only
-- attendu: fichier seuils_anduze.csv
-- ordre: celui du résultat
-- tolerance: 1e-6
-- ignorer: seu_id
-- droits: SELECT ref.seuil, SELECT ref.capteur

SELECT s.seu_id, s.seu_type, s.seu_ordre, s.seu_ouverture, s.seu_fermeture
FROM ref.seuil s
JOIN ref.capteur c ON c.cap_id = s.cap_id
WHERE c.sta_code = 'V714401001' AND c.cap_grandeur = 'H'
ORDER BY s.seu_ordre;
