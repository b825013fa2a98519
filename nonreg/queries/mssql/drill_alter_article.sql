EXEC nr.usp_modifier_article @p_ajouter = :adding
