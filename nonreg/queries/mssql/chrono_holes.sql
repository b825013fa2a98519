SELECT h.chr_id, h.chr_utc, h.next_utc
FROM (SELECT chr_id, chr_utc, LEAD(chr_utc) OVER (ORDER BY chr_utc) AS next_utc FROM ref.chrono) h
WHERE h.next_utc <> DATEADD(minute, 5, h.chr_utc)
ORDER BY h.chr_id
