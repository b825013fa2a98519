-- The sensors and the days, of the same rank, are two JSON arrays of numbers.
SELECT m.cap_id, DATEADD(minute, 5 * (m.chr_id - 1), CAST('2000-01-01' AS datetime2(0))) AS instant_utc,
       m.mes_valeur, m.mes_etat
FROM OPENJSON(:sensors) s
JOIN OPENJSON(:days) d ON d.[key] = s.[key]
JOIN prod.mesure m ON m.cap_id = CAST(s.value AS int) AND m.chr_id <= :last
    AND m.chr_id BETWEEN CAST(d.value AS int) * 288 + 1 AND CAST(d.value AS int) * 288 + 288
ORDER BY m.cap_id, instant_utc
