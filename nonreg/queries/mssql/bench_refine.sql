EXEC nr.usp_affiner @p_maintenant = :now
