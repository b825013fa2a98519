-- The publication of the embedded platform: every table of ha.article, whole. Run in the active database by a sysadmin, outside
-- a transaction. No snapshot agent: nothing is initialised from a snapshot.
-- learn.microsoft.com/sql/relational-databases/system-stored-procedures/sp-replicationdboption-transact-sql
DECLARE @actif sysname = DB_NAME();
DECLARE @code int;
EXEC @code = sys.sp_replicationdboption @dbname = @actif, @optname = N'publish', @value = N'true';
IF @code <> 0 THROW 50100, N'sp_replicationdboption', 1;
GO
-- Without a Windows account the agent runs as the Agent's service, which is how it enters distribution.
-- learn.microsoft.com/sql/relational-databases/system-stored-procedures/sp-addlogreader-agent-transact-sql
DECLARE @secret sysname = CAST(SESSION_CONTEXT(N'secret') AS sysname);
DECLARE @code int;
EXEC @code = sys.sp_addlogreader_agent
    @job_login = NULL, @job_password = NULL, @publisher_security_mode = 0, @publisher_login = N'nr_agents',
    @publisher_password = @secret;
IF @code <> 0 THROW 50100, N'sp_addlogreader_agent', 1;
GO
-- learn.microsoft.com/sql/relational-databases/system-stored-procedures/sp-addpublication-transact-sql
DECLARE @code int;
EXEC @code = sys.sp_addpublication
    @publication = N'pub_aquareel', @sync_method = N'concurrent', @repl_freq = N'continuous', @status = N'active',
    @independent_agent = N'true', @immediate_sync = N'false', @allow_push = N'true', @allow_pull = N'false',
    @allow_anonymous = N'false', @allow_initialize_from_backup = N'false', @replicate_ddl = 1;
IF @code <> 0 THROW 50100, N'sp_addpublication', 1;
GO
-- Articles are named schema.table; so are their procedures at the subscriber, where two schemas have a table `mesure`.
-- Schema options: the procedures (0x02), and what a snapshot would make if somebody asked for one.
-- learn.microsoft.com/sql/relational-databases/system-stored-procedures/sp-addarticle-transact-sql
DECLARE @schema sysname, @table sysname, @article sysname = N'', @code int;
DECLARE @ins_cmd nvarchar(255), @upd_cmd nvarchar(255), @del_cmd nvarchar(255);
WHILE EXISTS (SELECT 1 FROM ha.article a WHERE a.art_schema + N'.' + a.art_table > @article)
BEGIN
    SELECT TOP (1) @schema = a.art_schema, @table = a.art_table
    FROM ha.article a
    WHERE a.art_schema + N'.' + a.art_table > @article
    ORDER BY a.art_schema + N'.' + a.art_table;
    SET @article = @schema + N'.' + @table;
    SET @ins_cmd = N'CALL [sp_MSins_' + @schema + @table + N']';
    SET @upd_cmd = N'SCALL [sp_MSupd_' + @schema + @table + N']';
    SET @del_cmd = N'CALL [sp_MSdel_' + @schema + @table + N']';
    EXEC @code = sys.sp_addarticle
        @publication = N'pub_aquareel', @article = @article, @source_owner = @schema, @source_object = @table,
        @destination_owner = @schema, @destination_table = @table, @type = N'logbased', @vertical_partition = N'false',
        @pre_creation_cmd = N'none', @schema_option = 0x000000000803509F, @identityrangemanagementoption = N'manual',
        @status = 24, @ins_cmd = @ins_cmd, @upd_cmd = @upd_cmd, @del_cmd = @del_cmd;
    IF @code <> 0 THROW 50100, @article, 1;
END;
GO
