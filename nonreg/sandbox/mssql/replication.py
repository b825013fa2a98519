"""Two stand-ins on one SQL Server, the second a subscriber of the first: transactional replication, by push.

The server becomes its own Distributor and publishes the active database (pub_aquareel, the tables of ha.article) to
the passive one, a copy of it. Everything goes over a sysadmin's connection with autocommit: the server's procedures
refuse to be called inside a transaction. Nothing that this did not make is replaced: a server that is already a
Distributor, or has one, is left as it is.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from nonreg.errors import ConfigError, RequestFailed
from nonreg.sandbox.mssql.agents import Agent, insist, say_last_words, start_agent, stop_agent
from nonreg.sandbox.mssql.batches import SqlBatch
from nonreg.sandbox.mssql.install import (
    DATABASE,
    NAME,
    READER,
    TOKEN,
    WRITE_LOGIN,
    WRITER,
    create_stand_in,
    drop_account,
    drop_database,
    exists,
    find_former,
    find_value,
    list_batches,
    run,
    run_named,
)
from nonreg.waiting import DeadlinePassed, observe_until, wait_until

SQL_DIR = Path(__file__).parent / "sql_replication"
PASSIVE_DATABASE = "aquareel_passif_maquette"
# Accounts of its own, as on a server of its own: an account that may enter both databases has a right too many on each.
PASSIVE_READER, PASSIVE_WRITER = "nr_reader_passif", "nr_writer_passif"
ACCOUNTS = (READER, WRITER, PASSIVE_READER, PASSIVE_WRITER)
# What the agents log in with: on Linux there is no Windows account. A sysadmin, which the Log Reader must be to set up
# a subscriber that is not initialised from a snapshot; its password is made here and kept by the server alone.
AGENTS = "nr_agents"
COPY, PASSIVE, DISTRIBUTOR = "10_copie.sql", "20_passif.sql", "30_distributeur.sql"
PUBLICATION, SUBSCRIPTION = "40_publication.sql", "50_abonnement.sql"
DROP_PUBLICATION, DROP_DISTRIBUTOR = "80_retrait_publication.sql", "90_retrait_distributeur.sql"
READY_SECONDS, DROP_SECONDS, POLL_SECONDS = 180.0, 60.0, 1.0
STARTING_SECONDS = 30.0  # the Agent begins its own start once the server answers

SET_CONTEXT = (
    "DECLARE @valeur sysname = ?; EXEC sys.sp_set_session_context @key = N'{key}', @value = @valeur;"
)
FORGET_SECRET = "EXEC sys.sp_set_session_context @key = N'secret', @value = NULL"  # noqa: S105 - no secret in it
MAKE_SYSADMIN = f"ALTER SERVER ROLE sysadmin ADD MEMBER {AGENTS}"
IN_TRANSACTION = "SELECT NULLIF(@@TRANCOUNT, 0)"
IS_SYSADMIN = "SELECT NULLIF(IS_SRVROLEMEMBER('sysadmin'), 0)"
HAS_ITS_NAME = "SELECT CASE WHEN @@SERVERNAME = CAST(SERVERPROPERTY('ServerName') AS sysname) THEN 1 END"
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
# The subscriber is set up: a position in the publisher's log, and three procedures an article.
HAS_POSITION = """
SELECT MAX(r.publication) FROM {passive}.dbo.MSreplication_subscriptions r WHERE r.transaction_timestamp > 0x00
"""
HAS_PROCEDURES = """
SELECT CASE WHEN COUNT(*) >= 3 * (SELECT COUNT(*) FROM {active}.ha.article) THEN 1 END
FROM {passive}.sys.procedures p
WHERE p.name LIKE N'sp[_]MSins[_]%' OR p.name LIKE N'sp[_]MSupd[_]%' OR p.name LIKE N'sp[_]MSdel[_]%'
"""


def create_pair(
    connection: Any,
    passwords: Mapping[str, str],
    *,
    active: str = DATABASE,
    passive: str = PASSIVE_DATABASE,
    ready_seconds: float = READY_SECONDS,
) -> None:
    """Create both stand-ins and what replicates between them, in place of a former pair; `passwords` by account.

    Returns once the subscriber is set up. ConfigError, and nothing is changed, when this server cannot have it or it
    would replace something else; RequestFailed says what failed, and nothing is left.
    """
    for database in (active, passive):
        if not NAME.fullmatch(database):
            raise ConfigError(
                f"Nom de base refusé pour une maquette : « {database} » ne finit pas par « _maquette »."
            )
    require_server(connection)
    require_own_distributor(connection, active)
    find_former(connection, active, (READER, WRITER, AGENTS))
    find_former(connection, passive, (PASSIVE_READER, PASSIVE_WRITER))
    remove_pair(connection, active=active, passive=passive)
    try:
        write_pair(connection, passwords, active, passive)
        for agent in Agent:
            start_agent(connection, agent, active)
        wait_ready(connection, active, passive, ready_seconds)
    except BaseException:
        with suppress(Exception):
            remove_pair(connection, active=active, passive=passive)
        raise


def require_server(connection: Any) -> None:
    """ConfigError for a server that cannot replicate to itself, or a connection that may not have it do so."""
    run(connection, "USE master")
    if exists(connection, IN_TRANSACTION):
        raise ConfigError("La connexion a une transaction ouverte : la réplication se crée hors transaction.")
    if not exists(connection, IS_SYSADMIN):
        raise ConfigError("Le compte n'est pas sysadmin : il ne peut pas créer de réplication.")
    if not exists(connection, HAS_ITS_NAME):
        raise ConfigError(
            "Ce serveur a été renommé (@@SERVERNAME n'est pas son nom) : il ne peut pas être son propre Distributeur."
        )
    if not observe_until(lambda: exists(connection, AGENT_RUNS), bool, STARTING_SECONDS, POLL_SECONDS):
        raise ConfigError(
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


def write_pair(connection: Any, passwords: Mapping[str, str], active: str, passive: str) -> None:
    """Both databases, their accounts, and the replication; the agents' password is in no text and soon forgotten."""
    secret = secrets.token_urlsafe(24) + "aA1!"
    create_stand_in(
        connection, reader_password=passwords[READER], writer_password=passwords[WRITER], database=active
    )
    for login in (PASSIVE_READER, PASSIVE_WRITER):
        run(connection, WRITE_LOGIN.format(login=login), passwords[login])
    run(connection, WRITE_LOGIN.format(login=AGENTS), secret)
    run(connection, MAKE_SYSADMIN)
    set_context(connection, actif=active, passif=passive, jeton=TOKEN, secret=secret)
    try:
        for script, database in (
            (COPY, active),
            (PASSIVE, passive),
            (DISTRIBUTOR, "master"),
            (PUBLICATION, active),
            (SUBSCRIPTION, active),
        ):
            run(connection, f"USE {database}")
            for batch in read_script(script):
                run_named(connection, batch)
    finally:
        with suppress(Exception):
            run(connection, FORGET_SECRET)


def wait_ready(connection: Any, active: str, passive: str, within_seconds: float) -> None:
    """Wait until the agents have set the subscriber up; RequestFailed with their last words when they have not."""
    try:
        wait_until(lambda: is_ready(connection, active, passive), within_seconds, "", POLL_SECONDS)
    except DeadlinePassed as late:
        raise RequestFailed(
            f"Les agents n'ont pas préparé l'abonné en {within_seconds:g} s ({say_last_words(connection, active)})."
        ) from late


def is_ready(connection: Any, active: str, passive: str) -> bool:
    """Whether the subscriber applies what arrives."""
    table = f"{passive}.dbo.MSreplication_subscriptions"
    return (
        exists(connection, "SELECT OBJECT_ID(?, N'U')", table)
        and exists(connection, HAS_POSITION.format(passive=passive))
        and exists(connection, HAS_PROCEDURES.format(active=active, passive=passive))
    )


def remove_pair(connection: Any, *, active: str = DATABASE, passive: str = PASSIVE_DATABASE) -> None:
    """Take away what there is of a pair, the Distributor too: only for what `create_pair` made, or may replace.

    RequestFailed says what could not be taken away. The connection then uses master.
    """
    run(connection, "USE master")
    for agent in Agent:
        stop_agent(connection, agent, active)
    set_context(connection, passif=passive)
    if exists(connection, "SELECT DB_ID(?)", active):
        run(connection, f"USE {active}")
        for batch in read_script(DROP_PUBLICATION):
            run_named(connection, batch)
        run(connection, "USE master")
    for batch in read_script(DROP_DISTRIBUTOR):  # agents that were stopped may still be in its database
        insist(partial(run_named, connection, batch), DROP_SECONDS, "Distributeur non retiré")
    for database in (passive, active):
        if exists(connection, "SELECT DB_ID(?)", database):
            drop_database(connection, database)
    for login in (*ACCOUNTS, AGENTS):
        if exists(connection, "SELECT SUSER_ID(?)", login):
            insist(partial(drop_account, connection, login), DROP_SECONDS, f"Compte {login} non retiré")


def set_context(connection: Any, **values: str) -> None:
    """What the scripts ask the session for, bound: no name or secret is written into their text."""
    for key, value in values.items():
        run(connection, SET_CONTEXT.format(key=key), value)


def read_script(name: str) -> list[SqlBatch]:
    """The batches of one script of the replication."""
    return [batch for batch in list_batches(SQL_DIR) if batch.script == name]
