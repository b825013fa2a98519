SET NOCOUNT ON;
EXEC nr.usp_mode_crise
    @p_actif = :enabled;
SELECT '' AS usp_mode_crise
