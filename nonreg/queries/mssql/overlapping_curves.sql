SELECT a.sta_code, a.crb_id, b.crb_id AS other_crb_id
FROM ref.courbe a
JOIN ref.courbe b ON b.sta_code = a.sta_code AND b.crb_id > a.crb_id AND b.crb_deb < a.crb_fin AND a.crb_deb < b.crb_fin
ORDER BY a.sta_code, a.crb_id
