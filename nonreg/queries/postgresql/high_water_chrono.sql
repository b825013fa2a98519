SELECT max(chr_id) AS last FROM ref.chrono
WHERE chr_utc <= (clock_timestamp() AT TIME ZONE 'UTC') - make_interval(secs => :margin_seconds)
