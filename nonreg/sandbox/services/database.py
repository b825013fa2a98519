"""The services' way to the databases: connections lent to one thread at a time, and the active site found.

Every error of the driver leaves here as DatabaseUnavailable (no answer, or no active site) or as
DatabaseRefused (the server answered with an error, so nothing was committed).
"""

from __future__ import annotations

import select
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

from nonreg.sandbox.services.settings import Settings

USER, NAME = "aquareel_app", "aquareel"
CONNECT_SECONDS = 2
STATEMENT_MILLISECONDS = 10_000
LOCK_MILLISECONDS = 3_000
MAX_CONNECTIONS = 8  # of one process to one database: a burst of clients waits here, not in PostgreSQL
RECHECK_SECONDS = 2.0
CONFIRMED_SECONDS = 1.5  # an active site whose database started again is confirmed by then, or not at all
CONFIRMED_POLL_SECONDS = 0.1
Connection = psycopg.Connection[tuple[Any, ...]]


class DatabaseUnavailable(Exception):
    """No answer from the database, or no site is active."""


class DatabaseRefused(Exception):
    """The server answered with an error; the transaction was undone. `sqlstate` is the server's code."""

    def __init__(self, message: str, sqlstate: str) -> None:
        super().__init__(message)
        self.sqlstate = sqlstate


class Database:
    """One site's database."""

    def __init__(self, site: str, address: str, port: int, password: str, application: str) -> None:
        self.site = site
        self._dsn = make_conninfo(
            host=address,
            port=port,
            dbname=NAME,
            user=USER,
            password=password,
            connect_timeout=CONNECT_SECONDS,
            application_name=application,
            tcp_user_timeout=10_000,
            options=f"-c statement_timeout={STATEMENT_MILLISECONDS} -c lock_timeout={LOCK_MILLISECONDS}",
        )
        self._idle: list[Connection] = []
        self._slots = threading.BoundedSemaphore(MAX_CONNECTIONS)
        self._lock = threading.Lock()

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """Lend a connection (autocommit) to the calling thread; it is closed after any error."""
        if not self._slots.acquire(timeout=STATEMENT_MILLISECONDS / 1000):
            raise DatabaseUnavailable(f"base de {self.site} : toutes les connexions sont occupées")
        try:
            with self._borrow() as connection:
                yield connection
        finally:
            self._slots.release()

    @contextmanager
    def _borrow(self) -> Iterator[Connection]:
        try:
            connection = self._take()
        except psycopg.Error as error:
            raise DatabaseUnavailable(f"base de {self.site} : {_one_line(error)}") from error
        try:
            yield connection
        except psycopg.Error as error:
            connection.close()
            raise _translate(self.site, error) from error
        except BaseException:
            self._give_back(connection)  # the caller gave up: its transaction is undone, the link is good
            raise
        self._give_back(connection)

    def query(self, statement: str, parameters: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """Rows of one statement, in its own transaction."""
        with self.connection() as connection:
            cursor = connection.execute(statement, parameters)
            return cursor.fetchall() if cursor.description else []

    def _give_back(self, connection: Connection) -> None:
        if connection.info.transaction_status is not psycopg.pq.TransactionStatus.IDLE:
            connection.close()
            return
        with self._lock:
            self._idle.append(connection)

    def _take(self) -> Connection:
        while True:
            with self._lock:
                connection = self._idle.pop() if self._idle else None
            if connection is None:
                return psycopg.connect(self._dsn, autocommit=True)
            if not connection.closed and not _was_hung_up(connection):
                return connection
            connection.close()


def _was_hung_up(connection: Connection) -> bool:
    # An idle connection has nothing to read, unless the server ended it.
    readable = False
    with suppress(psycopg.Error, OSError, ValueError):
        poll = select.poll()
        poll.register(connection.fileno(), select.POLLIN | select.POLLHUP)
        readable = bool(poll.poll(0))
    return readable


def _translate(site: str, error: psycopg.Error) -> Exception:
    # Classes 08 and 57: the connection was lost or the server is stopping; no code: the driver gave up.
    if error.sqlstate is None or error.sqlstate[:2] in ("08", "57"):
        return DatabaseUnavailable(f"base de {site} : {_one_line(error)}")
    return DatabaseRefused(f"base de {site} : {_one_line(error)}", error.sqlstate)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]


def open_database(settings: Settings, site: str) -> Database:
    """The database of a site named in the settings; nothing is connected yet."""
    address, port = next((a, p) for s, a, p in settings.databases if s == site)
    application = f"{settings.service}@{settings.site}"
    return Database(site, address, port, settings.secret("AQ_APP_PASSWORD"), application)


def read_role(database: Database) -> str:
    """Role that a database gives itself: ACTIF, PASSIF, or ATTENTE for an active one that is not confirmed."""
    return str(database.query("SELECT ha.usp_etat()")[0][0])


class ActiveDatabase:
    """The database of the site that says ACTIF; asked again now and then, and after any failure."""

    def __init__(self, settings: Settings) -> None:
        self._candidates = [open_database(settings, site) for site, _, _ in settings.databases]
        self._lock = threading.Lock()
        self._known: Database | None = None
        self._checked_at = 0.0
        self._waited = False

    def find(self) -> Database:
        """The active site's database; DatabaseUnavailable when there is none."""
        with self._lock:
            known, fresh = self._known, time.monotonic() - self._checked_at < RECHECK_SECONDS
        if known is not None and fresh:
            return known
        deadline = time.monotonic() + CONFIRMED_SECONDS
        while True:
            active, reasons = self._ask(known)
            if active is not None:
                return active
            # One that is left waiting by the others is waited for once, not at every question.
            if self._waited or not any("ATTENTE" in reason for reason in reasons):
                break
            if time.monotonic() > deadline:
                self._waited = True
            time.sleep(CONFIRMED_POLL_SECONDS)
        self.forget()
        raise DatabaseUnavailable("aucun site actif : " + " ; ".join(reasons))

    def _ask(self, known: Database | None) -> tuple[Database | None, list[str]]:
        reasons = []
        for candidate in ([known] if known else []) + [c for c in self._candidates if c is not known]:
            try:
                role = read_role(candidate)
            except (DatabaseUnavailable, DatabaseRefused) as error:
                reasons.append(str(error))
                continue
            if role == "ACTIF":
                with self._lock:
                    self._known, self._checked_at, self._waited = candidate, time.monotonic(), False
                return candidate, reasons
            reasons.append(f"{candidate.site} est {role}")
        return None, reasons

    def forget(self) -> None:
        """Ask again who is active before the next use."""
        with self._lock:
            self._known = None
