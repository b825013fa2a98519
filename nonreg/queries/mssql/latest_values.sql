SELECT c.sta_code, c.cap_grandeur, h.chr_utc, d.mes_valeur, d.mes_etat
FROM prod.derniere d
JOIN ref.capteur c ON c.cap_id = d.cap_id
JOIN ref.chrono h ON h.chr_id = d.chr_id
WHERE NOT EXISTS (SELECT 1 FROM nr.marque m WHERE m.sta_code = c.sta_code)
ORDER BY c.sta_code, c.cap_grandeur
