EXEC nr.usp_creer_station
    @p_campaign = :campaign_id, @p_type = 'LNS', @p_pas_min = :step_minutes, @p_transformer = :transform,
    @p_heure_locale = :local, @p_fuseau = :time_zone
