SET NOCOUNT ON;
EXEC nr.usp_regler_capteur
    @p_campaign = :campaign_id, @p_cap = :sensor, @p_unite = :unit, @p_inhibe = :inhibited;
SELECT '' AS usp_regler_capteur
