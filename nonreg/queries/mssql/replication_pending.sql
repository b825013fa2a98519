-- Commands that a subscription has still to receive from the distribution database, and the time that this should take:
-- pendingcmdcount, estimatedprocesstime (seconds). At the Distributor, outside a transaction.
-- Right: db_owner of distribution, or the publication access list.
EXEC distribution.sys.sp_replmonitorsubscriptionpendingcmds
    @publisher = :publisher, @publisher_db = :publisher_db, @publication = :publication,
    @subscriber = :subscriber, @subscriber_db = :subscriber_db, @subscription_type = 0
