SELECT cumul_mm, incomplet FROM prod.tvf_cumul(:sensor, CAST(:at AS datetime2), :minutes)
