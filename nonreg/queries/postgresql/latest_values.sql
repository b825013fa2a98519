SELECT d.station, d.grandeur, d.horodatage_utc, d.valeur, d.etat
FROM prod.tvf_dernieres() d
WHERE NOT EXISTS (SELECT 1 FROM nr.marque m WHERE m.sta_code = d.station)
ORDER BY d.station, d.grandeur
