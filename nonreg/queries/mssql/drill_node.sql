SELECT n.sit_code, v.etat AS role, v.mandat AS mandate FROM cfg.noeud n CROSS JOIN ha.tvf_noeud() v
