SELECT h.chr_utc, m.mes_valeur, m.mes_etat
FROM prod.mesure m JOIN ref.chrono h ON h.chr_id = m.chr_id
WHERE m.cap_id = :sensor ORDER BY h.chr_utc
