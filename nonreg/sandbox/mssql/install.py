"""Creates the stand-in on a SQL Server: database, accounts, scripts in order, stations and measures.

It takes a DBAPI connection of an administrator, with autocommit, and imports no driver. Nothing that it did not make
is replaced: a database of that name, or accounts of those names, that belong to something else make it refuse.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

from nonreg.clients.result_sets import run_batch
from nonreg.errors import ConfigError, RequestFailed
from nonreg.sandbox.layout import ACTIVE
from nonreg.sandbox.mssql.batches import SqlBatch, split_batches
from nonreg.sandbox.mssql.rows import list_measures, list_sites, read_stations

SQL_DIR = Path(__file__).parent / "sql"
DATABASE = "aquareel_maquette"
NAME = re.compile(r"[a-z][a-z0-9_]{0,50}_maquette")  # no database that matters is called so
READER, WRITER = "nr_reader", "nr_writer"
TOKEN = "5b0f6c1e-2f5d-4c57-9a39-1d3a7be0c0de"  # noqa: S105 - the platform's identity, as 60_donnees.sql writes it
STATIONS_BEFORE, MEASURES_BEFORE = "60_donnees.sql", "65_dernieres.sql"

INSERT_STATION = (
    "INSERT INTO ref.station (sta_code, sta_libelle, sta_type, sta_pas_min, sta_heure_locale, sta_fuseau) "
    "VALUES (?, ?, 'LNS', 5, 0, N'UTC')"
)
INSERT_NODE = "INSERT INTO cfg.noeud (id, sit_code) VALUES (1, ?)"
INSERT_SITE = "INSERT INTO ref.site (sit_code, sit_serveur, sit_role, sit_principal) VALUES (?, ?, ?, ?)"
INSERT_MEASURE = "INSERT INTO prod.mesure (cap_id, chr_id, mes_valeur, mes_etat) VALUES (?, ?, ?, ?)"
# A server that starts waits for who knows the mandate; here nobody else does.
CONFIRM = "EXEC ha.usp_confirmer @p_mandat = 1"
# The password is bound: it is in no text of ours. A quote in it is doubled for the statement that the server makes.
WRITE_LOGIN = """
DECLARE @secret nvarchar(128) = ?;
DECLARE @ordre nvarchar(max) =
    N'CREATE LOGIN {login} WITH PASSWORD = N''' + REPLACE(@secret, N'''', N'''''') + N'''';
EXEC (@ordre);
"""
# Where the script of rights makes users of them too; a former stand-in's would come back with what they had.
ELSEWHERE = ("msdb", "distribution")
DROP_USER = """
IF DB_ID(N'{database}') IS NOT NULL
    EXEC {database}.sys.sp_executesql N'DROP USER IF EXISTS {login}';
"""
PUT_OUT = """
IF DATABASEPROPERTYEX(N'{database}', 'Status') = N'ONLINE'
    ALTER DATABASE {database} SET SINGLE_USER WITH ROLLBACK IMMEDIATE;
"""


def list_batches(folder: Path = SQL_DIR) -> tuple[SqlBatch, ...]:
    """Batches of every script of a folder, in the order in which they are run."""
    return tuple(
        batch
        for path in sorted(folder.glob("*.sql"))
        for batch in split_batches(path.name, path.read_text(encoding="utf-8"))
    )


def create_stand_in(
    connection: Any, *, reader_password: str, writer_password: str, database: str = DATABASE
) -> None:
    """Create the stand-in, in place of a former one; the connection then uses its database.

    Its two accounts may enter it and nothing else: their rights are the script's (`nonreg grants`).
    ConfigError when that would replace something else; RequestFailed says which batch failed, and nothing is left.
    """
    if not NAME.fullmatch(database):
        raise ConfigError(
            f"Nom de base refusé pour une maquette : « {database} » ne finit pas par « _maquette »."
        )
    passwords = {READER: reader_password, WRITER: writer_password}
    former = find_former(connection, database, passwords)
    if former is not None:
        drop_database(connection, database)
        for login in former:
            drop_account(connection, login)
    try:
        run(connection, f"CREATE DATABASE {database}")
        for login, password in passwords.items():
            run(connection, WRITE_LOGIN.format(login=login), password)
        run(connection, f"USE {database}")
        fill(connection)
        run(connection, CONFIRM)
    except BaseException:
        with suppress(Exception):
            drop_database(connection, database)
        for login in passwords:
            with suppress(Exception):
                drop_account(connection, login)
        raise


def find_former(connection: Any, database: str, logins: Iterable[str]) -> list[str] | None:
    """Those of its accounts that a former stand-in left, None when there is none; the connection then uses master.

    ConfigError when the database or an account belongs to something else.
    """
    run(connection, "USE master")
    replacing = is_stand_in(connection, database)
    found = sorted(login for login in logins if exists(connection, "SELECT SUSER_ID(?)", login))
    if not replacing and exists(connection, "SELECT DB_ID(?)", database):
        raise ConfigError(f"La base « {database} » existe et n'est pas la maquette : rien n'a été effacé.")
    if not replacing and found:
        raise ConfigError(
            f"Ce serveur a déjà un compte {', '.join(found)} et pas de maquette « {database} » : "
            "leur mot de passe n'est pas changé. Supprimez ces comptes s'ils sont inutiles."
        )
    return found if replacing else None


def is_stand_in(connection: Any, database: str) -> bool:
    """True for a database that says that it is the test platform, by its token; False too when there is none."""
    table = f"{database}.cfg.identite_plateforme"
    if not exists(connection, "SELECT OBJECT_ID(?, N'U')", table):
        return False
    statement = f"SELECT MAX(id) FROM {table} WHERE nature = 'TEST' AND jeton = CAST(? AS uniqueidentifier)"  # noqa: S608 - a name that was checked
    return exists(connection, statement, TOKEN)


def fill(connection: Any) -> None:
    """Run the scripts in the current database, stations and measures loaded between them."""
    run(connection, "SET NOCOUNT ON")
    stations = read_stations()
    for script, batches in groupby(list_batches(), lambda batch: batch.script):
        if script == STATIONS_BEFORE:
            load(connection, INSERT_STATION, stations)
            load(connection, INSERT_SITE, list_sites())
            load(connection, INSERT_NODE, [(ACTIVE,)])
        elif script == MEASURES_BEFORE:
            codes = [code for code, _ in stations]
            load(connection, INSERT_MEASURE, list(list_measures(codes, find_last_step())))
        for batch in batches:
            run_named(connection, batch)


def run_named(connection: Any, batch: SqlBatch) -> None:
    """Run one batch of a script; RequestFailed says which one failed."""
    try:
        run_batch(connection, batch.text)
    except Exception as error:
        raise RequestFailed(f"{batch.script}, lot de la ligne {batch.line} : {error}") from error


def find_last_step() -> datetime:
    """The present 5-minute step, UTC without zone as the database has it."""
    now = datetime.now(UTC).replace(tzinfo=None)
    return now - timedelta(minutes=now.minute % 5, seconds=now.second, microseconds=now.microsecond)


def drop_account(connection: Any, login: str) -> None:
    """Take a login away, and what it was given anywhere: on the server with it, in other databases with its users."""
    for database in ELSEWHERE:
        run(connection, DROP_USER.format(database=database, login=login))
    run(connection, f"DROP LOGIN {login}")


def drop_database(connection: Any, database: str) -> None:
    """Drop it, whoever uses it; one whose restoring did not end is used by nobody, and takes no other order."""
    run(connection, "USE master")
    run(connection, PUT_OUT.format(database=database))
    run(connection, f"DROP DATABASE {database}")


def load(connection: Any, statement: str, rows: Any) -> None:
    """Insert many rows in one transaction: a commit each would take minutes."""
    run(connection, "BEGIN TRANSACTION")
    cursor = connection.cursor()
    try:
        cursor.executemany(statement, rows)
    except BaseException:
        with suppress(Exception):
            run(connection, "ROLLBACK TRANSACTION")
        raise
    finally:
        cursor.close()
    run(connection, "COMMIT TRANSACTION")


def exists(connection: Any, statement: str, *parameters: object) -> bool:
    """Whether a statement of one value gives another than NULL."""
    return find_value(connection, statement, *parameters) is not None


def find_value(connection: Any, statement: str, *parameters: object) -> Any:
    """The value of a statement of one value; None when there is no row."""
    cursor = connection.cursor()
    try:
        cursor.execute(statement, parameters)
        row = cursor.fetchone()
    finally:
        cursor.close()
    return None if row is None else row[0]


def run(connection: Any, statement: str, *parameters: object) -> None:
    """One statement, its results read to the end: an error may come behind the first."""
    if not parameters:
        run_batch(connection, statement)
        return
    cursor = connection.cursor()
    try:
        cursor.execute(statement, parameters)
        while cursor.nextset():
            pass
    finally:
        cursor.close()
