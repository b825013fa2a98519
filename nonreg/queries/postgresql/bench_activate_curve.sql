SELECT nr.usp_activer_courbe(CAST(:campaign_id AS uuid), :curve) AS usp_activer_courbe
