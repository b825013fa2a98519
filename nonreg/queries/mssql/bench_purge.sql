EXEC nr.usp_purger @p_maintenant = :now
