"""Two stand-ins on one SQL Server, the second a subscriber of the first: transactional replication, by push.

The server becomes its own Distributor and publishes the active database (pub_aquareel, the tables of ha.article) to
the passive one, a copy of it. Everything goes over a sysadmin's connection with autocommit: the server's procedures
refuse to be called inside a transaction. Nothing that this did not make is replaced or taken away: a server that is
already a Distributor, or has one, is left as it is.
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
from nonreg.sandbox.mssql.requirements import (
    AGENT_RUNS,
    HAS_DISTRIBUTOR,
    HAS_REPLICATION,
    UNFIT_EDITION,
    require_own_distributor,
    require_replication,
    require_server,
    require_sql_logins,
)
from nonreg.waiting import DeadlinePassed, wait_until

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

SET_CONTEXT = (
    "DECLARE @valeur sysname = ?; EXEC sys.sp_set_session_context @key = N'{key}', @value = @valeur;"
)
FORGET_SECRET = "EXEC sys.sp_set_session_context @key = N'secret', @value = NULL"  # noqa: S105 - no secret in it
MAKE_SYSADMIN = f"ALTER SERVER ROLE sysadmin ADD MEMBER {AGENTS}"
# The subscriber is set up: a position in the publisher's log, and three procedures an article.
HAS_POSITION = """
SELECT MAX(r.publication) FROM {passive}.dbo.MSreplication_subscriptions r WHERE r.transaction_timestamp > 0x00
"""
HAS_PROCEDURES = """
SELECT CASE WHEN COUNT(*) >= 3 * (SELECT COUNT(*) FROM {active}.ha.article) THEN 1 END
FROM {passive}.sys.procedures p
WHERE p.name LIKE N'sp[_]MSins[_]%' OR p.name LIKE N'sp[_]MSupd[_]%' OR p.name LIKE N'sp[_]MSdel[_]%'
"""


def name_password(account: str) -> str:
    """The environment variable of an account's password."""
    return f"AQ_{account.upper()}_PASSWORD"


def create_pair(
    connection: Any,
    passwords: Mapping[str, str],
    *,
    active: str = DATABASE,
    passive: str = PASSIVE_DATABASE,
    replicates: bool = True,
    ready_seconds: float = READY_SECONDS,
) -> None:
    """Create both stand-ins and what replicates between them, in place of a former pair; `passwords` by account.

    Returns once the subscriber is set up; at once, and without a Distributor, when it is not to replicate. ConfigError
    (CannotReplicate for the server's own limits), and nothing is changed, when this server cannot have it or it would
    replace something else; RequestFailed says what failed, and nothing is left.
    """
    require_names(active, passive)
    require_server(connection)
    require_sql_logins(connection)
    if replicates:
        require_replication(connection)
    find_pair(connection, active, passive)
    remove_pair(connection, active=active, passive=passive)
    try:
        write_pair(connection, passwords, active, passive, replicates=replicates)
        if replicates:
            for agent in Agent:
                start_agent(connection, agent, active)
            wait_ready(connection, active, passive, ready_seconds)
    except BaseException:
        with suppress(Exception):
            remove_pair(connection, active=active, passive=passive)
        raise


def take_pair_away(connection: Any, *, active: str = DATABASE, passive: str = PASSIVE_DATABASE) -> bool:
    """Remove all that `create_pair` made but its files; False when there is nothing of it.

    ConfigError, and nothing is changed, where any of it belongs to something else; RequestFailed as `remove_pair`.
    """
    require_names(active, passive)
    require_server(connection)
    if not find_pair(connection, active, passive):
        return False
    remove_pair(connection, active=active, passive=passive)
    return True


def require_names(*databases: str) -> None:
    """ConfigError for a database that is not called a stand-in."""
    for database in databases:
        if not NAME.fullmatch(database):
            raise ConfigError(
                f"Nom de base refusé pour une maquette : « {database} » ne finit pas par « _maquette »."
            )


def find_pair(connection: Any, active: str, passive: str) -> bool:
    """Whether the server has anything of a pair; ConfigError when some of it belongs to something else."""
    require_own_distributor(connection, active)
    former = (
        find_former(connection, active, (READER, WRITER, AGENTS)),
        find_former(connection, passive, (PASSIVE_READER, PASSIVE_WRITER)),
    )
    return former != (None, None) or exists(connection, HAS_DISTRIBUTOR)


def write_pair(
    connection: Any, passwords: Mapping[str, str], active: str, passive: str, *, replicates: bool
) -> None:
    """Both databases, their accounts, and the replication; the agents' password is in no text and soon forgotten."""
    create_stand_in(
        connection, reader_password=passwords[READER], writer_password=passwords[WRITER], database=active
    )
    for login in (PASSIVE_READER, PASSIVE_WRITER):
        run(connection, WRITE_LOGIN.format(login=login), passwords[login])
    set_context(connection, actif=active, passif=passive, jeton=TOKEN)
    run_scripts(connection, {COPY: active, PASSIVE: passive})
    if not replicates:
        return
    secret = secrets.token_urlsafe(24) + "aA1!"
    run(connection, WRITE_LOGIN.format(login=AGENTS), secret)
    run(connection, MAKE_SYSADMIN)
    set_context(connection, secret=secret)
    try:
        run_scripts(connection, {DISTRIBUTOR: "master", PUBLICATION: active, SUBSCRIPTION: active})
    finally:
        with suppress(Exception):
            run(connection, FORGET_SECRET)


def run_scripts(connection: Any, scripts: Mapping[str, str]) -> None:
    """Each script in its database."""
    for script, database in scripts.items():
        run(connection, f"USE {database}")
        for batch in read_script(script):
            run_named(connection, batch)


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
    if find_value(connection, UNFIT_EDITION) is None and exists(connection, HAS_REPLICATION):
        remove_replication(connection, active, passive)
    for database in (passive, active):
        if exists(connection, "SELECT DB_ID(?)", database):
            drop_database(connection, database)
    for login in (*ACCOUNTS, AGENTS):
        if exists(connection, "SELECT SUSER_ID(?)", login):
            insist(partial(drop_account, connection, login), DROP_SECONDS, f"Compte {login} non retiré")


def remove_replication(connection: Any, active: str, passive: str) -> None:
    """Agents, subscription, publication, Distributor; the connection then uses master."""
    if exists(connection, AGENT_RUNS):  # jobs of one that was killed seem to run for ever
        for agent in Agent:
            stop_agent(connection, agent, active)
    set_context(connection, passif=passive)
    if exists(connection, "SELECT DB_ID(?)", active):
        run_scripts(connection, {DROP_PUBLICATION: active})
        run(connection, "USE master")
    for batch in read_script(DROP_DISTRIBUTOR):  # agents that were stopped may still be in its database
        insist(partial(run_named, connection, batch), DROP_SECONDS, "Distributeur non retiré")


def set_context(connection: Any, **values: str) -> None:
    """What the scripts ask the session for, bound: no name or secret is written into their text."""
    for key, value in values.items():
        run(connection, SET_CONTEXT.format(key=key), value)


def read_script(name: str) -> list[SqlBatch]:
    """The batches of one script of the replication."""
    return [batch for batch in list_batches(SQL_DIR) if batch.script == name]
