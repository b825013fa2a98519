-- The passive database subscribes, by push. Run in the active database by a sysadmin, outside a transaction, before anybody
-- writes there: the subscriber has its tables and rows already, and gets the articles' procedures only, from the Log Reader, which
-- has to run after this under a sysadmin.
-- learn.microsoft.com/sql/relational-databases/system-stored-procedures/sp-addsubscription-transact-sql
DECLARE @serveur sysname = @@SERVERNAME;
DECLARE @passif sysname = CAST(SESSION_CONTEXT(N'passif') AS sysname);
DECLARE @code int;
EXEC @code = sys.sp_addsubscription
    @publication = N'pub_aquareel', @article = N'all', @subscriber = @serveur, @destination_db = @passif,
    @sync_type = N'replication support only', @subscription_type = N'push', @update_mode = N'read only', @subscriber_type = 0;
IF @code <> 0 THROW 50100, N'sp_addsubscription', 1;
GO
-- 64: from the start of the Agent on, without end.
-- learn.microsoft.com/sql/relational-databases/system-stored-procedures/sp-addpushsubscription-agent-transact-sql
DECLARE @serveur sysname = @@SERVERNAME;
DECLARE @passif sysname = CAST(SESSION_CONTEXT(N'passif') AS sysname);
DECLARE @secret sysname = CAST(SESSION_CONTEXT(N'secret') AS sysname);
DECLARE @code int;
EXEC @code = sys.sp_addpushsubscription_agent
    @publication = N'pub_aquareel', @subscriber = @serveur, @subscriber_db = @passif, @subscriber_security_mode = 0,
    @subscriber_login = N'nr_agents', @subscriber_password = @secret, @job_login = NULL, @job_password = NULL,
    @frequency_type = 64;
IF @code <> 0 THROW 50100, N'sp_addpushsubscription_agent', 1;
GO
