SELECT n.sit_code, ha.usp_etat(), ha.usp_mandat() FROM cfg.noeud n
