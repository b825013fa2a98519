SELECT d.cap_id, d.day, count(*) AS row_count,
       sum(CAST(CAST('x' || left(d.digest, 16) AS bit(64)) AS bigint)) AS checksum
FROM (
    SELECT m.cap_id, (m.chr_id - 1) / 288 AS day,
           md5(concat(m.chr_id, '|', coalesce(CAST(CAST(m.mes_valeur AS numeric(12, 3)) AS text), 'NULL'), '|', m.mes_etat)) AS digest
    FROM prod.mesure m
    WHERE m.chr_id <= :last
) d
GROUP BY 1, 2
