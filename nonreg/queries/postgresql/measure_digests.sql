SELECT m.cap_id, (m.chr_id - 1) / 288 AS day, count(*) AS row_count,
       sum(hashtextextended(m.mes_etat,
           CASE WHEN m.mes_valeur IS NULL
                THEN hashtextextended('NULL', hashint4extended(m.chr_id, hashint4extended(m.cap_id, 0)))
                ELSE hash_numeric_extended(m.mes_valeur, hashint4extended(m.chr_id, hashint4extended(m.cap_id, 1)))
           END)) AS checksum
FROM prod.mesure m
WHERE m.chr_id <= :last
GROUP BY 1, 2
