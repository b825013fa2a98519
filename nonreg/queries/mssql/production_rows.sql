SELECT c.sta_code, c.cap_grandeur, h.chr_utc, m.mes_valeur, m.mes_etat
FROM prod.mesure m
JOIN ref.capteur c ON c.cap_id = m.cap_id
JOIN ref.chrono h ON h.chr_id = m.chr_id
WHERE CHARINDEX(',' + c.sta_code + ',', ',' + :stations + ',') > 0
ORDER BY c.sta_code, c.cap_grandeur, h.chr_utc
