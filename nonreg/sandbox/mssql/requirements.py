"""What a server must be before a pair of stand-ins is made on it, or taken away.

Each refusal is one sentence, and nothing is changed.
"""

from __future__ import annotations

from typing import Any

from nonreg.errors import ConfigError
from nonreg.sandbox.mssql.install import TOKEN, exists, find_value, run
from nonreg.waiting import observe_until

STARTING_SECONDS, POLL_SECONDS = 30.0, 1.0  # the Agent begins its own start once the server answers
IN_TRANSACTION = "SELECT NULLIF(@@TRANCOUNT, 0)"
IS_SYSADMIN = "SELECT NULLIF(IS_SRVROLEMEMBER('sysadmin'), 0)"
# The name of an edition that cannot publish, and of Azure's services, which take no BACKUP to a file. 2: Standard and
# Web; 3: Enterprise, Developer, Evaluation (learn.microsoft.com/sql/t-sql/functions/serverproperty-transact-sql). Web
# and Express only subscribe (learn.microsoft.com/sql/sql-server/editions-and-components-of-sql-server-2022).
UNFIT_EDITION = """
SELECT CASE WHEN CAST(SERVERPROPERTY('EngineEdition') AS int) NOT IN (2, 3)
              OR CAST(SERVERPROPERTY('Edition') AS nvarchar(128)) LIKE N'Web%'
       THEN CAST(SERVERPROPERTY('Edition') AS nvarchar(128)) END
"""
# An optional part of the setup; without it the server answers 0, or with an error: Microsoft's page
# `configure-replication-for-always-on-availability-groups-sql-server`.
HAS_REPLICATION = """
SET NOCOUNT ON;
DECLARE @installee int = 0;
BEGIN TRY
    EXEC @installee = sys.sp_MS_replication_installed;
END TRY
BEGIN CATCH
    SET @installee = 0;
END CATCH;
SELECT NULLIF(@installee, 0);
"""
HAS_ITS_NAME = "SELECT CASE WHEN @@SERVERNAME = CAST(SERVERPROPERTY('ServerName') AS sysname) THEN 1 END"
TAKES_SQL_LOGINS = "SELECT CASE WHEN CAST(SERVERPROPERTY('IsIntegratedSecurityOnly') AS int) = 0 THEN 1 END"
# Its service, or the session that it keeps open: not every platform shows both.
AGENT_RUNS = """
SELECT CASE WHEN EXISTS (
        SELECT 1 FROM sys.dm_server_services s
        WHERE s.status = 4 AND (UPPER(s.filename) LIKE N'%SQLAGENT%' OR s.servicename LIKE N'%Agent%')
    ) OR EXISTS (
        SELECT 1 FROM sys.dm_exec_sessions x WHERE x.program_name LIKE N'SQLAgent - %'
    ) THEN 1 END
"""
HAS_DISTRIBUTOR = "SELECT MAX(v.server_id) FROM sys.servers v WHERE v.is_distributor = 1"
OUR_MARK = (
    "SELECT MAX(CAST(p.value AS nvarchar(60))) FROM distribution.sys.extended_properties p "
    "WHERE p.class = 0 AND p.name = N'aquareel_maquette'"
)
OTHER_PUBLISHED = (
    "SELECT MAX(p.publisher_db) FROM distribution.dbo.MSpublications p WHERE p.publisher_db <> ?"
)


class CannotReplicate(ConfigError):
    """The server's own limit: its edition, what was installed of it, its Agent. It may have a pair that does not."""


def require_server(connection: Any) -> None:
    """ConfigError for a server without its name, or a connection that may not do all this."""
    run(connection, "USE master")
    if exists(connection, IN_TRANSACTION):
        raise ConfigError("La connexion a une transaction ouverte : la réplication se crée hors transaction.")
    if not exists(connection, IS_SYSADMIN):
        raise ConfigError("Le compte n'est pas sysadmin : il ne peut pas créer de réplication.")
    if not exists(connection, HAS_ITS_NAME):
        raise ConfigError(
            "Ce serveur n'a pas de nom, ou a été renommé (@@SERVERNAME n'est pas SERVERPROPERTY('ServerName')) : il ne "
            "peut pas être son propre Distributeur. Corrigez-le par sp_dropserver et sp_addserver …, 'local', puis un "
            "redémarrage."
        )


def require_sql_logins(connection: Any) -> None:
    """ConfigError for a server where no account of a pair could log in."""
    if not exists(connection, TAKES_SQL_LOGINS):
        raise ConfigError(
            "Ce serveur n'accepte que l'authentification Windows : les comptes des maquettes, qui sont SQL, "
            "ne pourraient pas s'y connecter."
        )


def require_replication(connection: Any) -> None:
    """CannotReplicate, with the reason, for a server that cannot publish or whose Agent carries nothing."""
    edition = find_value(connection, UNFIT_EDITION)
    if edition is not None:
        raise CannotReplicate(
            f"L'édition de ce serveur ({edition}) ne peut pas publier : il y faut Standard, Developer ou Enterprise."
        )
    if not exists(connection, HAS_REPLICATION):
        raise CannotReplicate(
            "La réplication n'est pas installée sur ce serveur : ajoutez « Réplication SQL Server » par son programme "
            "d'installation."
        )
    if not observe_until(lambda: exists(connection, AGENT_RUNS), bool, STARTING_SECONDS, POLL_SECONDS):
        raise CannotReplicate(
            "SQL Server Agent n'est pas démarré sur ce serveur : sans lui, la réplication ne transporte rien."
        )


def require_own_distributor(connection: Any, active: str) -> None:
    """ConfigError when the server has a Distributor that is not the pair's, or that serves another database too."""
    if not exists(connection, HAS_DISTRIBUTOR):
        return
    if not exists(connection, "SELECT DB_ID(?)", "distribution") or find_value(connection, OUR_MARK) != TOKEN:
        raise ConfigError(
            "Ce serveur a déjà un Distributeur, qui n'est pas celui de la maquette : rien n'a été changé."
        )
    other = find_value(connection, OTHER_PUBLISHED, active)
    if other is not None:
        raise ConfigError(
            f"Le Distributeur de la maquette sert aussi à la base « {other} » : rien n'a été changé."
        )
