SELECT ope_id, ope_tel, ope_mail FROM cfg.operateur WHERE ope_actif = 1
