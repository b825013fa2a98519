SELECT COUNT(*) AS stuck_rows
FROM tampon.mesure t
JOIN cfg.parametre p ON p.prm_code = 'AFFINAGE_ALERTE_S'
WHERE t.tmp_traite_utc IS NULL AND t.tmp_recu_utc < DATEADD(second, 0 - CAST(p.prm_valeur AS int), SYSUTCDATETIME())
