EXEC nr.usp_creer_seuil
    @p_campaign = :campaign_id, @p_cap = :sensor, @p_type = :kind, @p_sens = :direction, @p_ordre = :rank,
    @p_ouverture = :opening, @p_fermeture = :closing, @p_actif = :enabled, @p_transmissible = :transmissible
