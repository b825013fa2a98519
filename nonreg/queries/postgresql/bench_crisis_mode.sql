SELECT nr.usp_mode_crise(:enabled)
