SELECT bat_seq FROM nr.battement WHERE campaign_id = CAST(:campaign_id AS uuid) AND bat_seq >= :first
