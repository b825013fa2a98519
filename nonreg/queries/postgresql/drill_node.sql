SELECT n.sit_code, ha.usp_etat() AS role, ha.usp_mandat() AS mandate FROM cfg.noeud n
