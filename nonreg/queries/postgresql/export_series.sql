SELECT horodatage_utc, valeur
FROM prod.tvf_serie(:station, :quantity, CAST(:start AS timestamp), CAST(:stop AS timestamp))
ORDER BY horodatage_utc
