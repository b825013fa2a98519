UPDATE cfg.parametre SET prm_valeur = prm_valeur WHERE prm_code = 'MODE_CRISE'
