-- Age of the last good full backup, in hours; no row when none was ever made.
SELECT extract(epoch FROM now() - CAST(prm_valeur AS timestamptz)) / 3600 AS heures
FROM cfg.parametre
WHERE prm_code = 'DERNIERE_SAUVEGARDE_UTC'
