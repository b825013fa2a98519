SELECT ha.usp_etat()
