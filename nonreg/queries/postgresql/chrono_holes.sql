SELECT h.chr_id, h.chr_utc, h.next_utc
FROM (SELECT chr_id, chr_utc, lead(chr_utc) OVER (ORDER BY chr_utc) AS next_utc FROM ref.chrono) h
WHERE h.next_utc <> h.chr_utc + INTERVAL '5 minutes'
ORDER BY 1
