SELECT objet, lignes FROM nr.tvf_restes(CAST(:campaign_id AS uniqueidentifier))
