SELECT sta_code, cap_h, cap_q, cap_rr
FROM nr.usp_creer_station(CAST(:campaign_id AS uuid), 'LNS', :step_minutes, :transform, :local, :time_zone)
