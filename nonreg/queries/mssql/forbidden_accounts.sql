SELECT uti_id FROM securite.utilisateur
