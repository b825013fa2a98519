SELECT count(*) AS pending_rows
FROM tampon.mesure t JOIN ref.capteur c ON c.cap_id = t.cap_id
WHERE c.sta_code = ANY (string_to_array(:stations, ',')) AND t.tmp_traite_utc IS NULL
