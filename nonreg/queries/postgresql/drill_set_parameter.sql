SELECT nr.usp_regler_parametre(:code, :value) AS usp_regler_parametre
