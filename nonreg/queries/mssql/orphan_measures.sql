SELECT m.cap_id, m.chr_id
FROM prod.mesure m
LEFT JOIN ref.capteur c ON c.cap_id = m.cap_id
LEFT JOIN ref.chrono h ON h.chr_id = m.chr_id
WHERE c.cap_id IS NULL OR h.chr_id IS NULL
ORDER BY m.cap_id, m.chr_id
