SELECT count(nr.usp_ranger_mesure(
    CAST(:campaign_id AS uuid), :sensor, CAST(:start AS timestamp) + g * interval '5 minutes', 100 + g % 400, 'OK')) AS stored
FROM generate_series(0, :values - 1) g
