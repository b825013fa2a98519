SELECT bat_seq, bat_site FROM nr.battement WHERE campaign_id = CAST(:campaign_id AS uniqueidentifier) ORDER BY bat_seq
