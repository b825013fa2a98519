-- The server is no Distributor any more. Run in master by a sysadmin, outside a transaction, when nothing is published any more:
-- each procedure makes sure of that itself. What is not there is passed over.
-- learn.microsoft.com/sql/relational-databases/system-stored-procedures/sp-dropdistpublisher-transact-sql
DECLARE @serveur sysname = @@SERVERNAME;
DECLARE @code int = 0;
IF OBJECT_ID(N'msdb.dbo.MSdistpublishers') IS NOT NULL
    IF EXISTS (SELECT 1 FROM msdb.dbo.MSdistpublishers p WHERE p.name = @serveur)
        EXEC @code = sys.sp_dropdistpublisher @publisher = @serveur;
IF @code <> 0 THROW 50100, N'sp_dropdistpublisher', 1;
GO
-- learn.microsoft.com/sql/relational-databases/system-stored-procedures/sp-dropdistributiondb-transact-sql
DECLARE @code int = 0;
IF DB_ID(N'distribution') IS NOT NULL
    EXEC @code = sys.sp_dropdistributiondb @database = N'distribution';
IF @code <> 0 THROW 50100, N'sp_dropdistributiondb', 1;
GO
-- learn.microsoft.com/sql/relational-databases/system-stored-procedures/sp-dropdistributor-transact-sql
DECLARE @code int = 0;
IF EXISTS (SELECT 1 FROM sys.servers v WHERE v.is_distributor = 1)
    EXEC @code = sys.sp_dropdistributor;
IF @code <> 0 THROW 50100, N'sp_dropdistributor', 1;
GO
