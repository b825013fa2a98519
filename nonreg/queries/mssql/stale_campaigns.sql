SELECT LOWER(CAST(campaign_id AS varchar(36))) AS campaign_id FROM nr.marque
UNION
SELECT LOWER(CAST(campaign_id AS varchar(36))) FROM nr.battement
