SELECT ha.usp_etat() AS role
