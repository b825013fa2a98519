SELECT d.cap_id, d.day, COUNT(*) AS row_count,
       SUM(CAST(CAST(SUBSTRING(d.digest, 1, 8) AS bigint) AS decimal(38, 0))) AS [checksum]
FROM (
    SELECT m.cap_id, (m.chr_id - 1) / 288 AS day,
           HASHBYTES('SHA2_256', CAST(m.chr_id AS varchar(11)) + '|'
               + COALESCE(CAST(CAST(m.mes_valeur AS decimal(12, 3)) AS varchar(20)), 'NULL') + '|'
               + CAST(m.mes_etat AS varchar(10))) AS digest
    FROM prod.mesure m
    WHERE m.chr_id <= :last
) d
GROUP BY d.cap_id, d.day
