SELECT c.sta_code, c.cap_grandeur, t.tmp_horodatage, t.tmp_valeur, t.tmp_source, t.tmp_motif
FROM tampon.mesure t JOIN ref.capteur c ON c.cap_id = t.cap_id
WHERE CHARINDEX(',' + c.sta_code + ',', ',' + :stations + ',') > 0
ORDER BY t.tmp_id
