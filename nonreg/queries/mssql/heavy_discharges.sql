SELECT d.horodatage_utc, d.h_mm, d.q_ls
FROM ref.capteur c
CROSS APPLY prod.tvf_debit(c.cap_id, DATEADD(day, -5, SYSUTCDATETIME()), SYSUTCDATETIME()) d
WHERE c.sta_code = 'V714401001' AND c.cap_grandeur = 'H'
