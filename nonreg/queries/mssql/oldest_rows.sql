SELECT 'mesure' AS subject, MIN(h.chr_utc) AS oldest,
       (SELECT CAST(prm_valeur AS int) FROM cfg.parametre WHERE prm_code = 'RETENTION_MESURES_J') AS days
FROM prod.mesure m JOIN ref.chrono h ON h.chr_id = m.chr_id
HAVING MIN(h.chr_utc) IS NOT NULL
UNION ALL
SELECT 'tampon', MIN(tmp_recu_utc),
       (SELECT CAST(prm_valeur AS int) FROM cfg.parametre WHERE prm_code = 'RETENTION_TAMPON_J')
FROM tampon.mesure
HAVING MIN(tmp_recu_utc) IS NOT NULL
