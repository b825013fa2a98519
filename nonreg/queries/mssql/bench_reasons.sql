SELECT tmp_horodatage, tmp_valeur, tmp_motif FROM tampon.mesure WHERE cap_id = :sensor ORDER BY tmp_id
