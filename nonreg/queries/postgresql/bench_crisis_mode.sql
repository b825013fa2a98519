SELECT nr.usp_mode_crise(:enabled) AS usp_mode_crise
