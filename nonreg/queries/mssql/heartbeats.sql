SELECT bat_seq FROM nr.battement WHERE campaign_id = CAST(:campaign_id AS uniqueidentifier) AND bat_seq >= :first
