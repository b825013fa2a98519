-- id: HD-910
-- titre: Le site passif ne connaît qu'un site actif
-- criticite: bloquante
-- effet: read_only
-- site: PASSIF
-- attendu: fichier un_seul_actif.csv
-- droits: SELECT ref.site

SELECT COUNT(*) AS actifs FROM ref.site WHERE sit_role = 'ACTIF';
