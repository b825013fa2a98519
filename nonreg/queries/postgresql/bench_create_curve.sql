SELECT nr.usp_creer_courbe(CAST(:campaign_id AS uuid), :sensor, :law, CAST(:start AS timestamp), CAST(:stop AS timestamp),
    CAST(:a AS numeric), CAST(:b AS numeric), CAST(:c AS numeric), :downstream) AS usp_creer_courbe
