-- SHA-256 of fixed-width bytes: key, mark of a value and the value in thousandths, state.
SELECT d.cap_id, d.day, COUNT(*) AS row_count,
       SUM(CAST(CAST(SUBSTRING(d.digest, 1, 8) AS bigint) AS decimal(38, 0))) AS [checksum]
FROM (
    SELECT m.cap_id, (m.chr_id - 1) / 288 AS day,
           HASHBYTES('SHA2_256', CAST(m.chr_id AS binary(4))
               + CASE WHEN m.mes_valeur IS NULL THEN 0x00 ELSE 0x01 + CAST(CAST(m.mes_valeur * 1000 AS bigint) AS binary(8)) END
               + CAST(m.mes_etat AS varbinary(10))) AS digest
    FROM prod.mesure m
    WHERE m.chr_id <= :last
) d
GROUP BY d.cap_id, d.day
