SELECT traitees, inserees, rejetees FROM nr.usp_affiner(CAST(:now AS timestamp))
