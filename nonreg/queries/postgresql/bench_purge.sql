SELECT mesures, tampon, evenements, bloquee FROM nr.usp_purger(CAST(:now AS timestamp))
