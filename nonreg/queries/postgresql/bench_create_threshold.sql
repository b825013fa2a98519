SELECT nr.usp_creer_seuil(CAST(:campaign_id AS uuid), :sensor, :kind, :direction, :rank, :opening, :closing, :enabled, :transmissible) AS usp_creer_seuil
