SELECT nr.usp_ranger_mesure(CAST(:campaign_id AS uuid), :sensor, CAST(:at AS timestamp), CAST(:value AS numeric), :state) AS usp_ranger_mesure
