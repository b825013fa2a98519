-- The passive node's database: a copy of the active one's, taken before anything is published, so that both hold the same
-- rows to the last. Run in the active database. The backup stays in the server's backup folder, under one name.
-- Both nodes are on this server, whatever the rows of sites that were loaded say.
UPDATE ref.site SET sit_serveur = @@SERVERNAME WHERE sit_role IN ('ACTIF', 'PASSIF');
GO
DECLARE @actif sysname = CAST(SESSION_CONTEXT(N'actif') AS sysname);
DECLARE @fichier nvarchar(260) = @actif + N'_copie.bak';
BACKUP DATABASE @actif TO DISK = @fichier WITH COPY_ONLY, FORMAT, INIT, CHECKSUM;
GO
-- Files beside those of any new database; one of that name that exists already makes RESTORE refuse.
DECLARE @passif sysname = CAST(SESSION_CONTEXT(N'passif') AS sysname);
DECLARE @fichier nvarchar(260) = CAST(SESSION_CONTEXT(N'actif') AS sysname) + N'_copie.bak';
DECLARE @donnees sysname = (SELECT f.name FROM sys.database_files f WHERE f.file_id = 1);
DECLARE @journal sysname = (SELECT f.name FROM sys.database_files f WHERE f.file_id = 2);
DECLARE @fichier_donnees nvarchar(260) = CAST(SERVERPROPERTY('InstanceDefaultDataPath') AS nvarchar(260)) + @passif + N'.mdf';
DECLARE @fichier_journal nvarchar(260) =
    CAST(SERVERPROPERTY('InstanceDefaultLogPath') AS nvarchar(260)) + @passif + N'_journal.ldf';
RESTORE DATABASE @passif FROM DISK = @fichier
WITH MOVE @donnees TO @fichier_donnees, MOVE @journal TO @fichier_journal, CHECKSUM;
GO
