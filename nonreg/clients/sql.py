"""Database connections: one per scenario, timeouts always set, errors translated once.

Reads run named queries (`nonreg/queries/<engine>/<name>.sql`) with bound parameters.
"""

from __future__ import annotations

import functools
import math
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import URL, Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from nonreg.config import Database, Platform, Site
from nonreg.errors import AccessDenied, ConfigError, NotSent, PlatformError, RequestFailed, Unreachable

QUERIES_DIR = Path(__file__).parent.parent / "queries"
DRIVERS = {"postgresql": "postgresql+psycopg"}

# SQLSTATE classes that mean "the account may not", as opposed to "the request is wrong".
LOGIN_REFUSED = ("28000", "28P01")
RIGHT_REFUSED = "42501"
CANCELLED = "57014"


@dataclass(frozen=True, slots=True)
class Rows:
    """Result of a query: column names, rows as tuples, and the request that gave them."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    request: str

    def scalar(self) -> Any:
        """The single value of a one-row, one-column result."""
        if len(self.rows) != 1 or len(self.columns) != 1:
            raise RequestFailed(
                f"Une seule valeur attendue, {len(self.rows)} ligne(s) reçue(s) : {self.request}"
            )
        return self.rows[0][0]

    def dicts(self) -> list[dict[str, Any]]:
        """Rows by column name."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


@functools.cache
def load_query(engine: str, name: str) -> str:
    """Text of a named query for one engine; ConfigError when that engine has none."""
    path = QUERIES_DIR / engine / f"{name}.sql"
    if not path.is_file():
        raise ConfigError(f"La requête « {name} » n'existe pas pour le moteur {engine}.")
    return path.read_text(encoding="utf-8").strip()


class Session:
    """One open connection to one site's database, for one scenario and one thread."""

    def __init__(self, connection: Connection, database: Database, site_code: str) -> None:
        self._connection = connection
        self._database = database
        self.site_code = site_code

    def query(self, name: str, **parameters: Any) -> Rows:
        """Run a named query; `parameters` are bound, never pasted."""
        return self.execute(load_query(self._database.engine, name), **parameters)

    def execute(self, statement: str, **parameters: Any) -> Rows:
        """Run one statement given as text with `:name` parameters."""
        request = describe_request(self.site_code, statement, parameters)
        try:
            result = self._connection.execute(text(statement), parameters)
            if not result.returns_rows:
                return Rows((), (), request)
            return Rows(tuple(result.keys()), tuple(tuple(row) for row in result), request)
        except SQLAlchemyError as error:
            raise translate_error(error, self._database, self.site_code, statement) from error

    def try_query(self, name: str, **parameters: Any) -> str:
        """SQLSTATE with which a named query is refused; empty when it is accepted. Its effect is undone."""
        statement = load_query(self._database.engine, name)
        savepoint = self._connection.begin_nested()
        try:
            self._connection.execute(text(statement), parameters)
        except DBAPIError as error:
            savepoint.rollback()
            if error.connection_invalidated:
                raise translate_error(error, self._database, self.site_code, statement) from error
            return sqlstate(error) or "?"
        savepoint.rollback()
        return ""

    def commit(self) -> None:
        """Commit what was written; an error here is an unknown outcome and is never retried."""
        try:
            self._connection.commit()
        except SQLAlchemyError as error:
            raise translate_error(error, self._database, self.site_code, "COMMIT") from error


class _Impatient(psycopg.Connection[Any]):
    """Gives a request up at a deadline of its own: a server that hangs does not keep its statement_timeout."""

    request_seconds: float | None = None

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        try:
            return super().wait(gen, interval, self.request_seconds if timeout is None else timeout)
        except psycopg.OperationalError:
            if self.pgconn.transaction_status == psycopg.pq.TransactionStatus.ACTIVE:
                self.close()  # the answer may still come: nothing else may be asked on this connection
            raise


class Line:
    """One client's own connection to one site, opened when it is first used, and again once it was dropped.

    For one thread that lives long and must not be held up by a dead server: a connection is given up after
    `connect_seconds` (a server that accepts it and says nothing, after 2 s, the driver's least), a request after
    `request_seconds`. With `autocommit` each statement is a transaction.
    """

    def __init__(
        self,
        platform: Platform,
        site: Site,
        account: str,
        connect_seconds: float = 1.0,
        request_seconds: float = 2.0,
        *,
        autocommit: bool = False,
    ) -> None:
        if site.database is None:
            raise ConfigError(f"Le site {site.code} n'a pas de base de données.")
        self.site_code = site.code
        self._database = replace(
            site.database, login_timeout_seconds=connect_seconds, query_timeout_seconds=request_seconds
        )
        self._engine = create_site_engine(platform, replace(site, database=self._database), account)
        if autocommit:
            self._engine = self._engine.execution_options(isolation_level="AUTOCOMMIT")
        self._connection: Connection | None = None
        event.listen(self._engine, "do_connect", self._connect)

    def session(self) -> Session:
        """The open session, connected if need be; NotSent or AccessDenied when it cannot be."""
        if self._connection is None or self._connection.closed:
            try:
                self._connection = self._engine.connect()
            except SQLAlchemyError as error:
                raise _refuse_connection(error, self._database, self.site_code) from error
        return Session(self._connection, self._database, self.site_code)

    def undo(self) -> None:
        """Undo what was not committed; a connection that cannot is dropped."""
        try:
            if self._connection is not None:
                self._connection.rollback()
        except SQLAlchemyError:
            self.drop()

    def drop(self) -> None:
        """Close the connection, whatever its state; the next session opens another."""
        if self._connection is not None:
            with suppress(SQLAlchemyError):
                self._connection.invalidate()
                self._connection.close()
            self._connection = None

    def close(self) -> None:
        """Close for good."""
        self.drop()
        self._engine.dispose()

    def _connect(self, _dialect: Any, _record: Any, words: Any, options: dict[str, Any]) -> _Impatient:
        address, seconds = (self._database.host, self._database.port), self._database.login_timeout_seconds
        try:
            socket.create_connection(address, seconds).close()  # the driver itself waits 2 s at least
        except OSError as error:
            raise psycopg.OperationalError(str(error)) from error
        connection = _Impatient.connect(*words, **options)
        connection.request_seconds = self._database.query_timeout_seconds
        return connection


def _refuse_connection(error: SQLAlchemyError, database: Database, site_code: str) -> PlatformError:
    translated = translate_error(error, database, site_code, "connexion")
    return NotSent(str(translated)) if isinstance(translated, Unreachable) else translated


def create_site_engine(platform: Platform, site: Site, account: str) -> Engine:
    """Engine without a pool for the `reader` or `writer` account of a site."""
    database = site.database
    if database is None:
        raise ConfigError(f"Le site {site.code} n'a pas de base de données.")
    driver = DRIVERS.get(database.engine)
    if driver is None:
        raise ConfigError(f"Moteur de base inconnu : « {database.engine} » (connus : {', '.join(DRIVERS)}).")
    user, variable = (
        (database.reader_user, database.reader_password_env)
        if account == "reader"
        else (database.writer_user, database.writer_password_env)
    )
    milliseconds = int(database.query_timeout_seconds * 1000)
    return create_engine(
        URL.create(
            driver,
            username=user,
            password=platform.secret(variable).reveal(),
            host=database.host,
            port=database.port,
            database=database.name,
        ),
        poolclass=NullPool,
        hide_parameters=True,
        connect_args={
            "connect_timeout": max(1, math.ceil(database.login_timeout_seconds)),  # 0 would be without end
            "application_name": "aquareel-nonreg",
            "options": f"-c statement_timeout={milliseconds} -c lock_timeout=5000 -c timezone=UTC",
        },
    )


@contextmanager
def open_session(platform: Platform, site: Site, account: str = "reader") -> Iterator[Session]:
    """One connection in one transaction, rolled back at the end unless `commit()` was called.

    Raises Unreachable, AccessDenied or RequestFailed.
    """
    engine = create_site_engine(platform, site, account)
    assert site.database is not None
    try:
        connection = engine.connect()
    except SQLAlchemyError as error:
        raise _refuse_connection(error, site.database, site.code) from error
    try:
        yield Session(connection, site.database, site.code)
    finally:
        try:
            connection.rollback()
        except SQLAlchemyError:
            connection.invalidate()  # the link is gone, and the transaction with it
        connection.close()
        engine.dispose()


def sqlstate(error: SQLAlchemyError) -> str:
    """SQLSTATE of a driver error, empty when the server gave none."""
    return str(getattr(getattr(error, "orig", None), "sqlstate", None) or "")


def translate_error(
    error: SQLAlchemyError, database: Database, site_code: str, statement: str
) -> PlatformError:
    """The project's error for a driver's, in one sentence; the driver's text is kept to its first line."""
    where = f"{site_code} ({database.host}:{database.port})"
    state = sqlstate(error)
    said = str(getattr(error, "orig", error)).strip()
    words = said.splitlines()[0] if said else type(error).__name__
    if state in LOGIN_REFUSED or "password authentication failed" in said:
        return AccessDenied(
            f"La base de {where} refuse le compte : vérifiez l'utilisateur et son mot de passe."
        )
    if state == RIGHT_REFUSED:
        return AccessDenied(f"La base de {where} refuse ce droit : {words}.")
    if state == "3D000" or ("does not exist" in said and "database" in said and not state):
        return RequestFailed(f"La base « {database.name} » n'existe pas sur {where}.")
    if state == CANCELLED:
        return Unreachable(f"La base de {where} n'a pas répondu en {database.query_timeout_seconds:g} s.")
    if (isinstance(error, OperationalError) and not state) or state.startswith(("08", "57P")):
        return Unreachable(f"La base de {where} est injoignable : {words}.")
    return RequestFailed(f"La base de {where} rejette la requête ({state or 'sans code'}) : {words}.")


def describe_request(site_code: str, statement: str, parameters: dict[str, Any]) -> str:
    """The request as the report shows it: site, statement, bound values."""
    shown = f"-- {site_code}\n{statement.strip()}"
    if parameters:
        shown += "\n-- " + ", ".join(f":{name} = {value!r}" for name, value in parameters.items())
    return shown
