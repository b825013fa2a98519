EXEC nr.usp_regler_parametre @p_code = :code, @p_valeur = :value
