SELECT nr.usp_ajouter_point(CAST(:campaign_id AS uuid), :curve, :level_mm, :discharge_ls, :downstream_mm) AS usp_ajouter_point
