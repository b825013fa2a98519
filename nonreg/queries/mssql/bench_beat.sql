SET NOCOUNT ON;
EXEC nr.usp_battre
    @p_campaign = :campaign_id, @p_seq = :sequence;
SELECT '' AS usp_battre
