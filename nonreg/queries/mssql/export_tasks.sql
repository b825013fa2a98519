SELECT tac_id, tac_nom, tac_hote FROM cfg.tache_export WHERE tac_active = 1
