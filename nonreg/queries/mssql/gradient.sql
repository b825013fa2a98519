SELECT gradient, incomplet FROM prod.tvf_gradient(:sensor, CAST(:at AS datetime2), :minutes)
