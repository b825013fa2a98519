SELECT d.horodatage_utc, d.h_mm, d.q_ls
FROM ref.capteur c
CROSS JOIN LATERAL prod.tvf_debit(c.cap_id, (now() AT TIME ZONE 'UTC') - INTERVAL '5 days', now() AT TIME ZONE 'UTC') d
WHERE c.sta_code = 'V714401001' AND c.cap_grandeur = 'H'
