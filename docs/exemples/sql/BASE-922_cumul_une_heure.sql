-- id: BASE-922
-- titre: Cumul de pluie sur une heure : les zéros ne sont pas stockés, un manque se voit (PostgreSQL)
-- criticite: majeure
-- effet: writes_test_data
-- moteur: postgresql
-- attendu: fichier cumul_une_heure.csv
-- droits: EXECUTE nr.usp_creer_station, EXECUTE nr.usp_ranger_mesure, SELECT prod.tvf_cumul, SELECT nr.marque,
--     SELECT ref.capteur

-- Préparer : une station d'essai, deux pluies et une valeur manquante. Tout est annulé à la fin.
SELECT * FROM nr.usp_creer_station('00000000-0000-4000-8000-000000000922');
SELECT nr.usp_ranger_mesure(m.campaign_id, c.cap_id, v.utc, v.valeur, v.etat)
FROM nr.marque m
JOIN ref.capteur c ON c.sta_code = m.sta_code AND c.cap_grandeur = 'RR'
CROSS JOIN (VALUES
    (timestamp '2026-11-01 11:05', 0.2, 'OK'),
    (timestamp '2026-11-01 11:30', 0.4, 'OK'),
    (timestamp '2026-11-01 12:00', NULL, 'MANQUANTE')) v(utc, valeur, etat)
WHERE m.campaign_id = '00000000-0000-4000-8000-000000000922';
-- Agir et vérifier.
SELECT x.cumul_mm, x.incomplet
FROM nr.marque m
JOIN ref.capteur c ON c.sta_code = m.sta_code AND c.cap_grandeur = 'RR'
CROSS JOIN LATERAL prod.tvf_cumul(c.cap_id, '2026-11-01 12:00', 60) x
WHERE m.campaign_id = '00000000-0000-4000-8000-000000000922';
