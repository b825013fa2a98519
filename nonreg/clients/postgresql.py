"""PostgreSQL through psycopg: how a connection is made, and what its errors mean."""

from __future__ import annotations

import math
import socket
from typing import Any

import psycopg

from nonreg.clients.late import sqlalchemy as sa
from nonreg.config import Database
from nonreg.errors import AccessDenied, NonregError, RequestFailed, Thrown, Unreachable

# SQLSTATEs that mean "the account may not", as opposed to "the request is wrong".
LOGIN_REFUSED = ("28000", "28P01")
RIGHT_REFUSED = "42501"
# A refused connection has no state, only words: of a wrong password, of a role without LOGIN.
LOGIN_WORDS = ("password authentication failed", "is not permitted to log in")
CANCELLED = "57014"
RIGHT_REFUSALS = frozenset({RIGHT_REFUSED, "25006"})  # no right, or a session that may only read
RAISED = frozenset({"P0001", "P0004"})  # RAISE EXCEPTION without a code of its own, ASSERT


def make_engine(database: Database, user: str, password: str, application: str) -> sa.Engine:
    """An engine without a pool, its timeouts and session set."""
    milliseconds = int(database.query_timeout_seconds * 1000)
    return sa.create_engine(
        sa.URL.create(
            "postgresql+psycopg",
            username=user,
            password=password,
            host=database.host,
            port=database.port,
            database=database.name,
        ),
        poolclass=sa.pool.NullPool,
        hide_parameters=True,
        use_native_hstore=False,  # otherwise each connection asks for a type that nobody uses
        connect_args={
            "connect_timeout": max(1, math.ceil(database.login_timeout_seconds)),  # 0 would be without end
            "application_name": application,
            "options": f"-c statement_timeout={milliseconds} -c lock_timeout=5000 -c timezone=UTC",
        },
    )


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


def connect_impatiently(database: Database, words: Any, options: dict[str, Any]) -> Any:
    """A connection that keeps both deadlines of the database to the fraction of a second."""
    try:  # the driver itself waits 2 s at least
        socket.create_connection((database.host, database.port), database.login_timeout_seconds).close()
    except OSError as error:
        raise psycopg.OperationalError(str(error)) from error
    connection = _Impatient.connect(*words, **options)
    connection.request_seconds = database.query_timeout_seconds
    return connection


def read_state(error: BaseException) -> str:
    """SQLSTATE of a driver error, empty when the server gave none."""
    return str(getattr(getattr(error, "orig", error), "sqlstate", None) or "")


def translate(error: BaseException, database: Database, site_code: str, connecting: bool) -> NonregError:
    """The project's error for a driver's, in one sentence; the driver's text is kept to its first line."""
    del connecting  # its states say it
    where = f"{site_code} ({database.host}:{database.port})"
    state = read_state(error)
    said = str(getattr(error, "orig", error)).strip()
    words = said.splitlines()[0] if said else type(error).__name__
    if state in LOGIN_REFUSED or (not state and any(one in said for one in LOGIN_WORDS)):
        return AccessDenied(
            f"La base de {where} refuse le compte : vérifiez l'utilisateur et son mot de passe."
        )
    if state == RIGHT_REFUSED:
        return AccessDenied(f"La base de {where} refuse ce droit : {words}.")
    if state == "3D000" or ("does not exist" in said and "database" in said and not state):
        return RequestFailed(f"La base « {database.name} » n'existe pas sur {where}.")
    if state == CANCELLED:
        return Unreachable(f"La base de {where} n'a pas répondu en {database.query_timeout_seconds:g} s.")
    if state in RAISED:
        return Thrown(f"La base de {where} rejette la requête ({state}) : {words}.", words)
    driver_lost = isinstance(error, sa.exc.OperationalError | psycopg.OperationalError)
    if (driver_lost and not state) or state.startswith(("08", "57P")):
        return Unreachable(f"La base de {where} est injoignable : {words}.")
    return RequestFailed(f"La base de {where} rejette la requête ({state or 'sans code'}) : {words}.")
