SELECT count(*) AS stuck_rows FROM tampon.mesure
WHERE tmp_traite_utc IS NULL
  AND tmp_recu_utc < (now() AT TIME ZONE 'UTC')
      - (SELECT make_interval(secs => CAST(prm_valeur AS integer)) FROM cfg.parametre WHERE prm_code = 'AFFINAGE_ALERTE_S')
