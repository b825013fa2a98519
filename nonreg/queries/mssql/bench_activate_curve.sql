SET NOCOUNT ON;
EXEC nr.usp_activer_courbe
    @p_campaign = :campaign_id, @p_crb = :curve;
SELECT '' AS usp_activer_courbe
