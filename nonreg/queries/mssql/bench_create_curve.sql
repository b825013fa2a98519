EXEC nr.usp_creer_courbe
    @p_campaign = :campaign_id, @p_cap = :sensor, @p_loi = :law, @p_debut = :start, @p_fin = :stop,
    @p_a = :a, @p_b = :b, @p_c = :c, @p_cap_aval = :downstream
