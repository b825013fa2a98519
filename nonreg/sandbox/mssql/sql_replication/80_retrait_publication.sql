-- Subscription, publication, and what replication keeps in both databases. Run in the active database by a sysadmin, outside a
-- transaction. What is not there is passed over.
-- learn.microsoft.com/sql/relational-databases/system-stored-procedures/sp-dropsubscription-transact-sql
DECLARE @code int = 0;
IF OBJECT_ID(N'dbo.syssubscriptions') IS NOT NULL
    IF EXISTS (SELECT 1 FROM dbo.syssubscriptions s WHERE s.srvid >= 0)
        EXEC @code = sys.sp_dropsubscription @publication = N'pub_aquareel', @article = N'all', @subscriber = N'all';
IF @code <> 0 THROW 50100, N'sp_dropsubscription', 1;
GO
-- learn.microsoft.com/sql/relational-databases/system-stored-procedures/sp-droppublication-transact-sql
DECLARE @code int = 0;
IF OBJECT_ID(N'dbo.syspublications') IS NOT NULL
    IF EXISTS (SELECT 1 FROM dbo.syspublications p WHERE p.name = N'pub_aquareel')
        EXEC @code = sys.sp_droppublication @publication = N'pub_aquareel';
IF @code <> 0 THROW 50100, N'sp_droppublication', 1;
GO
-- learn.microsoft.com/sql/relational-databases/system-stored-procedures/sp-replicationdboption-transact-sql
DECLARE @actif sysname = DB_NAME();
DECLARE @code int = 0;
IF EXISTS (SELECT 1 FROM sys.databases d WHERE d.database_id = DB_ID() AND d.is_published = 1)
    EXEC @code = sys.sp_replicationdboption @dbname = @actif, @optname = N'publish', @value = N'false';
IF @code <> 0 THROW 50100, N'sp_replicationdboption', 1;
GO
-- learn.microsoft.com/sql/relational-databases/system-stored-procedures/sp-removedbreplication-transact-sql
DECLARE @passif sysname = CAST(SESSION_CONTEXT(N'passif') AS sysname);
DECLARE @code int = 0;
IF DATABASEPROPERTYEX(@passif, 'Status') = N'ONLINE' -- not one whose restoring did not end: it takes no such order
    EXEC @code = sys.sp_removedbreplication @dbname = @passif;
IF @code <> 0 THROW 50100, N'sp_removedbreplication', 1;
GO
