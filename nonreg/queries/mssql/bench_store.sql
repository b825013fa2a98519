SET NOCOUNT ON;
EXEC nr.usp_ranger_mesure
    @p_campaign = :campaign_id, @p_cap = :sensor, @p_utc = :at, @p_valeur = :value, @p_etat = :state;
SELECT '' AS usp_ranger_mesure
