-- No row: this node is not the active one, and nothing was written.
SET NOCOUNT ON;
DECLARE @is_active bit;
SET @is_active = CASE WHEN EXISTS (SELECT 1 FROM ha.tvf_noeud() n WHERE n.etat = 'ACTIF') THEN 1 ELSE 0 END;
IF @is_active = 1
BEGIN
    EXEC nr.usp_battre @p_campaign = :campaign_id, @p_seq = :sequence;
END;
SELECT '' AS usp_battre WHERE @is_active = 1
