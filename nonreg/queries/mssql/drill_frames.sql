SELECT c.sta_code, t.tmp_horodatage, t.tmp_valeur, COUNT(*) AS row_count, MIN(t.tmp_site) AS first_site
FROM tampon.mesure t
JOIN ref.capteur c ON c.cap_id = t.cap_id
WHERE CHARINDEX(',' + c.sta_code + ',', ',' + :stations + ',') > 0
GROUP BY c.sta_code, t.tmp_horodatage, t.tmp_valeur
ORDER BY c.sta_code, t.tmp_horodatage, t.tmp_valeur
