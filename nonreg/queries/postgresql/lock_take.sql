SELECT pg_try_advisory_lock(hashtext('aquareel-nonreg')) AS taken
