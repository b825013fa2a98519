SELECT m.cap_id, timestamp '2000-01-01' + (m.chr_id - 1) * interval '5 minutes' AS instant_utc, m.mes_valeur, m.mes_etat
FROM unnest(CAST(:sensors AS integer[]), CAST(:days AS integer[])) g(sensor, day)
JOIN prod.mesure m ON m.cap_id = g.sensor AND m.chr_id BETWEEN g.day * 288 + 1 AND g.day * 288 + 288 AND m.chr_id <= :last
ORDER BY 1, 2
