"""SQL Server through pyodbc: its connection string, its session, what its errors mean in French (DOMAIN §3.1, §3.6)."""

from __future__ import annotations

import functools
import json
from typing import Any

from nonreg.clients import odbc_errors, server_level
from nonreg.clients.late import sqlalchemy as sa
from nonreg.clients.odbc import connect, find_driver, import_pyodbc, require_file
from nonreg.clients.odbc_errors import OdbcError, OdbcKind, classify, read_odbc_error
from nonreg.config import Database
from nonreg.errors import (
    AccessDenied,
    CertificateRefused,
    ConfigError,
    NonregError,
    RequestFailed,
    Thrown,
    Unreachable,
)

APPLICATION = "aquareel-nonreg"
LOCK_SECONDS = 5
LONG_TEXT = 1000  # characters: surely less than an nvarchar(4000) however they are counted
LONG = (-9, 0, 0)  # SQL_WVARCHAR without a length
RIGHT_REFUSALS = frozenset(str(number) for number in odbc_errors.RIGHT_REFUSED)
# The tool is the victim of a deadlock, not the application; without NOCOUNT a count hides the result behind it.
SESSION = (
    "SET NOCOUNT ON",
    f"SET LOCK_TIMEOUT {LOCK_SECONDS * 1000}",
    "SET DEADLOCK_PRIORITY LOW",
    server_level.STATEMENT,
)


def list_keywords(
    database: Database, driver: str, user: str, password: str, application: str = APPLICATION
) -> dict[str, str]:
    """What the connection string says: encrypted, the certificate verified unless the platform file says otherwise."""
    odbc = database.odbc
    keywords = {
        "DRIVER": driver,
        "SERVER": f"tcp:{database.host},{database.port}",
        "DATABASE": database.name,
        "UID": user,
        "PWD": password,
        "APP": application,
        "Encrypt": odbc.encrypt,
        "TrustServerCertificate": "yes" if odbc.trust_server_certificate else "no",
        "ConnectRetryCount": "0",  # the driver would hide what we have to see
    }
    optional = {
        "HostnameInCertificate": odbc.hostname_in_certificate,
        "ServerCertificate": odbc.server_certificate,
    }
    return keywords | {name: value for name, value in optional.items() if value}


def make_engine(database: Database, user: str, password: str, application: str) -> sa.Engine:
    """An engine without a pool; its connections are ours."""

    def open_connection() -> Any:
        require_file(database.odbc.server_certificate)
        keywords = list_keywords(database, find_driver(database.odbc.driver), user, password, application)
        return connect(
            keywords,
            database.login_timeout_seconds,
            database.query_timeout_seconds,
            functools.partial(set_session, database),
        )

    engine = sa.create_engine(
        "mssql+pyodbc://",
        module=import_pyodbc(),
        creator=open_connection,
        poolclass=sa.pool.NullPool,
        hide_parameters=True,
    )
    sa.event.listen(engine, "before_cursor_execute", declare_long_texts)
    return engine


def declare_long_texts(
    _connection: Any, cursor: Any, _statement: str, parameters: Any, _context: Any, _many: bool
) -> None:
    """A long text, a list as JSON above all, goes as nvarchar(max): left to the driver it is an ntext or refused."""
    sizes = [LONG if isinstance(value, str) and len(value) > LONG_TEXT else None for value in parameters]
    if any(sizes):
        cursor.setinputsizes(sizes)


def set_session(database: Database, cursor: Any) -> None:
    """Set the session in one exchange; RequestFailed when its server or its database is too old for the queries."""
    cursor.execute("; ".join(SESSION))
    row = cursor.fetchone() if cursor.description is not None else None
    if row is None:
        return
    version, edition, level = row
    server = f"{database.host}:{database.port}"
    if refusal := server_level.refuse_server(version, edition, level, server, database.name):
        raise RequestFailed(refusal)


def read_error(error: BaseException) -> OdbcError:
    """The driver's error inside."""
    return read_odbc_error(tuple(getattr(getattr(error, "orig", error), "args", ())))


def read_state(error: BaseException) -> str:
    """The server's number when it gave one, else the SQLSTATE."""
    found = read_error(error)
    return str(found.native) if found.native else found.state


def translate(error: BaseException, database: Database, site_code: str, connecting: bool) -> NonregError:
    """The project's error for a driver's, in one sentence that says what to do."""
    found = read_error(error)
    return word_error(found, classify(found, connecting=connecting), database, site_code)


def word_error(error: OdbcError, kind: OdbcKind, database: Database, site_code: str) -> NonregError:
    """One French sentence for each kind."""
    where = f"{site_code} ({database.host}:{database.port})"
    code = error.native or error.state or "sans code"
    said = f"({code}) : {error.words.rstrip('.')}."
    no_tls = (
        "encrypt = « strict » demande SQL Server 2022 au moins"
        if database.odbc.encrypt == "strict"
        else "le serveur et ce poste n'ont pas de version ou de chiffre en commun"
    )
    known: dict[OdbcKind, NonregError] = {
        OdbcKind.DRIVER_MISSING: ConfigError(
            f"Le pilote ODBC de {where} ne se charge pas : vérifiez qu'il est installé avec toutes ses bibliothèques, "
            f"pour ce processeur, ou donnez-en un autre dans [sites.database.odbc] driver {said}"
        ),
        OdbcKind.CERTIFICATE: CertificateRefused(
            f"Le certificat de {where} n'est pas reconnu : importez son autorité de certification sur ce poste, ou "
            f"indiquez hostname_in_certificate ou server_certificate {said}"
        ),
        OdbcKind.TLS: Unreachable(f"La négociation TLS avec {where} échoue : {no_tls} {said}"),
        OdbcKind.TYPE: RequestFailed(
            f"La base de {where} renvoie une colonne d'un type que le pilote ne rend pas : convertissez-la (CAST) "
            f"{said}"
        ),
        OdbcKind.LOGIN: AccessDenied(
            f"La base de {where} refuse le compte : vérifiez l'utilisateur et son mot de passe."
        ),
        OdbcKind.ACCOUNT_BLOCKED: AccessDenied(
            f"Le compte est désactivé ou verrouillé sur {where} : faites-le rouvrir par l'administrateur {said}"
        ),
        OdbcKind.NO_LOGINS: Unreachable(
            f"Le SQL Server de {where} n'admet personne en ce moment : attendez, ou voyez son administrateur {said}"
        ),
        OdbcKind.PASSWORD_ENDED: AccessDenied(
            f"Le mot de passe du compte a expiré sur {where} : faites-le renouveler par l'administrateur."
        ),
        OdbcKind.DATABASE: RequestFailed(
            f"La base « {database.name} » n'existe pas sur {where}, ou ce compte n'y a pas accès : vérifiez son nom et "
            "que le compte y est un utilisateur."
        ),
        OdbcKind.RIGHT: AccessDenied(
            f"La base de {where} refuse ce droit {said} Demandez-le avec « python -m nonreg grants »."
        ),
        OdbcKind.NO_ROUTE: Unreachable(
            f"La base de {where} est injoignable : vérifiez le nom, le port, le réseau et le service SQL Server {said}"
        ),
        OdbcKind.LOST: Unreachable(f"La liaison avec la base de {where} s'est rompue {said}"),
        OdbcKind.TIMEOUT: Unreachable(
            f"La base de {where} n'a pas répondu en {database.query_timeout_seconds:g} s."
        ),
        OdbcKind.LOCKED: RequestFailed(
            f"Un verrou d'une autre session a fait attendre la base de {where} plus de {LOCK_SECONDS} s : voyez qui le "
            f"tient, puis recommencez {said}"
        ),
        OdbcKind.DEADLOCK: RequestFailed(
            f"La base de {where} a sacrifié notre requête dans un interblocage : recommencez {said}"
        ),
        OdbcKind.THROWN: Thrown(f"La base de {where} rejette la requête {said}", error.words),
        OdbcKind.READ_ONLY: RequestFailed(f"La base de {where} est en lecture seule {said}"),
        OdbcKind.LOG_FULL: RequestFailed(
            f"Le journal de la base de {where} est plein : faites sauvegarder le journal {said}"
        ),
        OdbcKind.AG_ROLE: RequestFailed(
            f"La base de {where} n'est pas dans un rôle qui permet cette requête {said}"
        ),
    }
    return known.get(kind) or RequestFailed(f"La base de {where} rejette la requête {said}")


def bind(value: Any) -> Any:
    """A list goes as JSON text, which the query reads with OPENJSON: the driver has no arrays."""
    return json.dumps(list(value), default=str) if isinstance(value, list | tuple) else value


def is_lost(error: BaseException) -> bool:
    """True for a connection that is gone."""
    return odbc_errors.is_lost(read_error(error))


def is_retriable_read(error: BaseException) -> bool:
    """True for a read that may be tried again."""
    return odbc_errors.is_retriable_read(read_error(error))


def is_retriable_login(error: BaseException) -> bool:
    """True for a connection that may be tried again."""
    return odbc_errors.is_retriable_login(read_error(error))
