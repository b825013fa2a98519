SELECT nr.usp_battre(CAST(:campaign_id AS uuid), :sequence) AS usp_battre
