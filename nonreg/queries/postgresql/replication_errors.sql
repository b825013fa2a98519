SELECT subname AS subscription, apply_error_count AS apply_errors, sync_error_count AS copy_errors
FROM pg_stat_subscription_stats
ORDER BY 1
