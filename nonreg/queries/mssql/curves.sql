SELECT crb_id, crb_deb, crb_fin, crb_active, crb_verrou FROM ref.courbe WHERE sta_code = :station ORDER BY crb_deb
