SELECT d.horodatage_utc, d.h_mm, d.q_ls
FROM prod.tvf_debit(:sensor, CAST(:start AS timestamp), CAST(:stop AS timestamp)) d
ORDER BY 1
