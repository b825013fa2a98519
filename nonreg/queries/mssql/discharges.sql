SELECT d.horodatage_utc, d.h_mm, d.q_ls
FROM prod.tvf_debit(:sensor, CAST(:start AS datetime2), CAST(:stop AS datetime2)) d
ORDER BY d.horodatage_utc
