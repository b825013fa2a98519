SELECT campaign_id FROM nr.marque UNION SELECT campaign_id FROM nr.battement
