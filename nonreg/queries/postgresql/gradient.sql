SELECT gradient, incomplet FROM prod.tvf_gradient(:sensor, CAST(:at AS timestamp), :minutes)
