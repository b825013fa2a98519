SELECT c.sta_code, c.cap_grandeur, h.chr_utc, d.mes_valeur, d.mes_etat
FROM prod.derniere d
JOIN ref.capteur c ON c.cap_id = d.cap_id
JOIN ref.chrono h ON h.chr_id = d.chr_id
WHERE CHARINDEX(',' + c.sta_code + ',', ',' + :stations + ',') > 0
ORDER BY c.sta_code, c.cap_grandeur
