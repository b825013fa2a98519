SELECT tac_nom, tac_format, tac_station, tac_grandeur, tac_periode_s
FROM cfg.tache_export WHERE tac_active = 1 ORDER BY tac_nom
