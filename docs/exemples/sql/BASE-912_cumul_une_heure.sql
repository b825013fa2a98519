-- id: BASE-912
-- titre: Cumul de pluie sur une heure : les zéros ne sont pas stockés, un manque se voit
-- criticite: majeure
-- effet: writes_test_data
-- attendu: fichier cumul_une_heure.csv
-- droits: EXECUTE nr.usp_creer_station, EXECUTE nr.usp_ranger_mesure, SELECT prod.tvf_cumul

-- Préparer : une station d'essai, deux pluies et une valeur manquante. Tout est annulé à la fin.
DECLARE @campagne uniqueidentifier = NEWID();
DECLARE @station TABLE (sta_code char(10), cap_h int, cap_q int, cap_rr int);
INSERT INTO @station EXEC nr.usp_creer_station @p_campaign = @campagne;
DECLARE @pluie int = (SELECT cap_rr FROM @station);
EXEC nr.usp_ranger_mesure @campagne, @pluie, '2026-11-01T11:05:00', 0.2, 'OK';
EXEC nr.usp_ranger_mesure @campagne, @pluie, '2026-11-01T11:30:00', 0.4, 'OK';
EXEC nr.usp_ranger_mesure @campagne, @pluie, '2026-11-01T12:00:00', NULL, 'MANQUANTE';
-- Agir et vérifier.
SELECT x.cumul_mm, x.incomplet FROM prod.tvf_cumul(@pluie, '2026-11-01T12:00:00', 60) x;
