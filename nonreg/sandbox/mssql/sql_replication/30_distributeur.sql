-- The server becomes its own Distributor. Run in master by a sysadmin: one procedure a batch, outside a transaction. Each
-- answers with its code alone (0: done). SQL authentication, because on Linux there is no other.
-- First the tables of data types in msdb, which Microsoft asks for on Linux before anything else; Windows has them.
-- learn.microsoft.com/sql/linux/sql-server-linux-replication-configure
DECLARE @code int = 0;
IF OBJECT_ID(N'msdb.dbo.MSdbms') IS NULL
    EXEC @code = msdb.sys.sp_MSrepl_createdatatypemappings;
IF @code <> 0 THROW 50100, N'sp_MSrepl_createdatatypemappings', 1;
GO
-- learn.microsoft.com/sql/relational-databases/system-stored-procedures/sp-adddistributor-transact-sql
DECLARE @serveur sysname = @@SERVERNAME;
DECLARE @code int;
EXEC @code = sys.sp_adddistributor @distributor = @serveur;
IF @code <> 0 THROW 50100, N'sp_adddistributor', 1;
GO
-- learn.microsoft.com/sql/relational-databases/system-stored-procedures/sp-adddistributiondb-transact-sql
DECLARE @secret sysname = CAST(SESSION_CONTEXT(N'secret') AS sysname);
DECLARE @code int;
EXEC @code = sys.sp_adddistributiondb
    @database = N'distribution', @security_mode = 0, @login = N'nr_agents', @password = @secret;
IF @code <> 0 THROW 50100, N'sp_adddistributiondb', 1;
GO
-- That it is ours: without this mark it is never taken away.
-- learn.microsoft.com/sql/relational-databases/system-stored-procedures/sp-addextendedproperty-transact-sql
DECLARE @jeton sysname = CAST(SESSION_CONTEXT(N'jeton') AS sysname);
EXEC distribution.sys.sp_addextendedproperty @name = N'aquareel_maquette', @value = @jeton;
GO
-- The agents' set-up scripts go through this folder, even without a snapshot: the server's service must be able to write
-- there, hence beside its databases.
-- learn.microsoft.com/sql/relational-databases/system-stored-procedures/sp-adddistpublisher-transact-sql
DECLARE @serveur sysname = @@SERVERNAME;
DECLARE @secret sysname = CAST(SESSION_CONTEXT(N'secret') AS sysname);
DECLARE @dossier nvarchar(255) = CAST(SERVERPROPERTY('InstanceDefaultDataPath') AS nvarchar(240)) + N'ReplData';
DECLARE @code int;
EXEC master.sys.xp_create_subdir @dossier;
EXEC @code = sys.sp_adddistpublisher
    @publisher = @serveur, @distribution_db = N'distribution', @security_mode = 0, @login = N'nr_agents',
    @password = @secret, @working_directory = @dossier, @publisher_type = N'MSSQLSERVER';
IF @code <> 0 THROW 50100, N'sp_adddistpublisher', 1;
GO
