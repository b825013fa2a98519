-- The way of a tracer token to each subscriber: distributor_latency, subscriber, subscriber_db, subscriber_latency,
-- overall_latency (seconds), NULL until it has arrived. At the Distributor or the publisher, in the published database.
-- Right: sysadmin, db_owner, or role replmonitor.
EXEC sys.sp_helptracertokenhistory @publication = :publication, @tracer_id = :tracer_id
