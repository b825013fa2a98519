SELECT c.sta_code, c.cap_grandeur, h.chr_utc, m.mes_valeur, m.mes_etat
FROM prod.mesure m
JOIN ref.capteur c ON c.cap_id = m.cap_id
JOIN ref.chrono h ON h.chr_id = m.chr_id
WHERE m.mes_valeur < c.cap_min OR m.mes_valeur > c.cap_max
ORDER BY c.sta_code, c.cap_grandeur, h.chr_utc
