EXEC nr.usp_nettoyer @p_campaign = :campaign_id
