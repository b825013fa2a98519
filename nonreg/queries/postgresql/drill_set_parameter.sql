SELECT nr.usp_regler_parametre(:code, :value)
