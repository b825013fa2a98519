SELECT h.chr_utc, m.mes_valeur
FROM prod.mesure m
JOIN ref.capteur c ON c.cap_id = m.cap_id
JOIN ref.chrono h ON h.chr_id = m.chr_id
WHERE c.sta_code = :station AND c.cap_grandeur = :quantity
  AND h.chr_utc BETWEEN CAST(:start AS datetime2) AND CAST(:stop AS datetime2)
ORDER BY h.chr_utc
