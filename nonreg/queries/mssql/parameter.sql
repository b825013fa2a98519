SELECT prm_valeur FROM cfg.parametre WHERE prm_code = :code
