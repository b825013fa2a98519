-- What the Replication Monitor says of the subscriptions of a publication: status (1 started, 2 stopped, 3 in progress, 4 idle,
-- 5 retrying, 6 failed), warning, latency and latencythreshold (seconds), timetoexpiration (hours), last_distsync, and so on.
-- At the Distributor, outside a transaction. Right: role replmonitor in distribution.
EXEC distribution.sys.sp_replmonitorhelpsubscription
    @publisher = :publisher, @publisher_db = :publisher_db, @publication = :publication, @publication_type = 0, @mode = 0
