SELECT c.cap_grandeur, t.tmp_horodatage, t.tmp_valeur, t.tmp_site
FROM tampon.mesure t JOIN ref.capteur c ON c.cap_id = t.cap_id
WHERE c.sta_code = :station
ORDER BY t.tmp_id
