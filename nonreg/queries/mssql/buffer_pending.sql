SELECT COUNT(*) AS pending_rows
FROM tampon.mesure t JOIN ref.capteur c ON c.cap_id = t.cap_id
WHERE CHARINDEX(',' + c.sta_code + ',', ',' + :stations + ',') > 0 AND t.tmp_traite_utc IS NULL
