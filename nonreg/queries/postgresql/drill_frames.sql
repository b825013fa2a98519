SELECT c.sta_code, t.tmp_horodatage, t.tmp_valeur, count(*) AS row_count, min(t.tmp_site) AS first_site
FROM tampon.mesure t
JOIN ref.capteur c ON c.cap_id = t.cap_id
WHERE c.sta_code = ANY (string_to_array(:stations, ','))
GROUP BY c.sta_code, t.tmp_horodatage, t.tmp_valeur
ORDER BY c.sta_code, t.tmp_horodatage, t.tmp_valeur
