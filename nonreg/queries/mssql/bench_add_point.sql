SET NOCOUNT ON;
EXEC nr.usp_ajouter_point
    @p_campaign = :campaign_id, @p_crb = :curve, @p_h_mm = :level_mm, @p_q_ls = :discharge_ls, @p_h_aval_mm = :downstream_mm;
SELECT '' AS usp_ajouter_point
