SELECT station, libelle, grandeur, horodatage_utc, valeur, etat FROM prod.tvf_dernieres() ORDER BY station, grandeur
