SELECT c.sta_code, CAST(h.chr_utc AS date) AS day, MIN(m.mes_valeur) AS lowest, MAX(m.mes_valeur) AS highest
FROM prod.mesure m
JOIN ref.capteur c ON c.cap_id = m.cap_id
JOIN ref.chrono h ON h.chr_id = m.chr_id
WHERE c.cap_grandeur = 'H'
GROUP BY c.sta_code, CAST(h.chr_utc AS date)
