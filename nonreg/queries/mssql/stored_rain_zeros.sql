SELECT c.sta_code, h.chr_utc, m.mes_valeur
FROM prod.mesure m
JOIN ref.capteur c ON c.cap_id = m.cap_id
JOIN ref.chrono h ON h.chr_id = m.chr_id
WHERE c.cap_grandeur = 'RR' AND m.mes_valeur <= 0
ORDER BY c.sta_code, h.chr_utc
