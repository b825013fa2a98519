SELECT etat AS role FROM ha.tvf_noeud()
