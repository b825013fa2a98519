SELECT tampon.usp_inserer(:station, :kind, CAST(:at AS timestamp), CAST(:value AS numeric), :source, 'BANC', false) AS usp_inserer
