SELECT nr.usp_regler_capteur(CAST(:campaign_id AS uuid), :sensor, :unit, :inhibited) AS usp_regler_capteur
