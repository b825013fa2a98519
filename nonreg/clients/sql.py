"""Database sessions: one per scenario and per thread, timeouts always set, errors translated once.

Reads run named queries (`nonreg/queries/<engine>/<name>.sql`) with bound parameters. What differs from one engine to
the other is in `postgresql.py` and `mssql.py`.
"""

from __future__ import annotations

import functools
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from nonreg.clients import mssql, postgresql
from nonreg.clients.late import sqlalchemy as sa
from nonreg.clients.result_sets import Batch, run_batch
from nonreg.clients.scope import current_scope, hold_connection, require_may_write, require_scope
from nonreg.config import Database, Platform, Site
from nonreg.errors import ConfigError, NonregError, NotOnEngine, NotSent, RequestFailed, Unreachable
from nonreg.files import read_toml

QUERIES_DIR = Path(__file__).parent.parent / "queries"
ABSENT = "ABSENTES.toml"
AGAIN_SECONDS = (0.2, 0.5)  # before each new try of a connection or a read that may be tried again
FREE_TEXT = ""  # told in place of a name
Result = TypeVar("Result")
_watchers: list[Callable[[str], None]] = []


@contextmanager
def watch_queries(tell: Callable[[str], None]) -> Iterator[None]:
    """Tell the name of each named query that this process runs meanwhile, from the thread that runs it.

    Scenarios that run at once are told apart by their scope instead (`nonreg.clients.scope`).
    FREE_TEXT when code that is not the tool's own runs a text of its own, whose rights nobody can have declared.
    """
    _watchers.append(tell)
    try:
        yield
    finally:
        _watchers.remove(tell)


def tell_watchers(name: str) -> None:
    """Before the query is read: one that this engine cannot have is asked for all the same."""
    require_scope()
    if (scope := current_scope()) is not None:
        scope.tell(name)
        return
    for tell in tuple(_watchers):
        tell(name)


def tell_free_text(module: str) -> None:
    """A text that this module gave, unless it is the tool's own: the tool knows what its texts need."""
    if not module.startswith("nonreg.") or module.startswith("nonreg.scenarios."):
        tell_watchers(FREE_TEXT)


def name_caller() -> str:
    """The module that called the function that asks."""
    return str(sys._getframe(2).f_globals.get("__name__", ""))


@dataclass(frozen=True, slots=True)
class Dialect:
    """What an engine does its own way: connect, say what an error means, name its code, know what may be read again."""

    make_engine: Callable[[Database, str, str, str], sa.Engine]
    translate: Callable[[BaseException, Database, str, bool], NonregError]
    read_state: Callable[[BaseException], str]
    is_retriable_read: Callable[[BaseException], bool]
    is_lost: Callable[[BaseException], bool]
    is_retriable_login: Callable[[BaseException], bool]
    bind: Callable[[Any], Any]  # a value as the driver takes it
    right_refusals: frozenset[str]  # codes that say that the account may not, and nothing else


DIALECTS = {
    "postgresql": Dialect(
        postgresql.make_engine,
        postgresql.translate,
        postgresql.read_state,
        # Never: an error ends the transaction, and what it had read with it; who cannot connect is told at once.
        is_retriable_read=lambda _error: False,
        is_lost=lambda _error: False,
        is_retriable_login=lambda _error: False,
        bind=lambda value: value,
        right_refusals=postgresql.RIGHT_REFUSALS,
    ),
    "mssql": Dialect(
        mssql.make_engine,
        mssql.translate,
        mssql.read_state,
        mssql.is_retriable_read,
        mssql.is_lost,
        mssql.is_retriable_login,
        mssql.bind,
        mssql.RIGHT_REFUSALS,
    ),
}


def choose_dialect(database: Database) -> Dialect:
    """How to talk to this database; ConfigError for an engine that nobody knows."""
    found = DIALECTS.get(database.engine)
    if found is None:
        raise ConfigError(f"Moteur de base inconnu : « {database.engine} » (connus : {', '.join(DIALECTS)}).")
    return found


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
def load_absent(engine: str) -> dict[str, str]:
    """Queries that an engine can have no equivalent of, each with its reason in French."""
    path = QUERIES_DIR / engine / ABSENT
    found = read_toml(path)["absentes"] if path.is_file() else {}
    return {str(name): str(reason) for name, reason in found.items()}


@functools.cache
def list_queries() -> frozenset[str]:
    """Names of the queries that at least one engine has."""
    return frozenset(path.stem for path in QUERIES_DIR.glob("*/*.sql"))


@functools.cache
def load_query(engine: str, name: str) -> str:
    """Text of a named query for one engine; NotOnEngine when it can have none, ConfigError when nobody wrote it."""
    path = QUERIES_DIR / engine / f"{name}.sql"
    if not path.is_file():
        if reason := load_absent(engine).get(name):
            raise NotOnEngine(reason)
        raise ConfigError(f"La requête « {name} » n'existe pas pour le moteur {engine}.")
    return path.read_text(encoding="utf-8").strip()


class Session:
    """One open connection to one site's database, for one scenario and the thread that opened it: no other may use it.

    With `reads_again`, a read that lost a deadlock, a lock or its connection is tried again, and its request says so:
    only for an account that cannot write.
    """

    def __init__(
        self, connection: sa.Connection, database: Database, site_code: str, *, reads_again: bool = False
    ) -> None:
        self._connection = connection
        self._database = database
        self._dialect = choose_dialect(database)
        self._pauses_seconds = AGAIN_SECONDS if reads_again else ()
        self._thread = threading.current_thread()
        self._is_trying = False
        self.site_code = site_code

    def take_over(self) -> None:
        """Pass the session on to the thread that calls this; the one that had it is refused from now on."""
        self._thread = threading.current_thread()

    @property
    def engine(self) -> str:
        """Name of the engine, as in the platform file."""
        return self._database.engine

    def query(self, name: str, **parameters: Any) -> Rows:
        """Run a named query; `parameters` are bound, never pasted."""
        tell_watchers(name)
        return self.execute(load_query(self._database.engine, name), **parameters)

    def execute(self, statement: str, **parameters: Any) -> Rows:
        """Run one statement given as text with `:name` parameters."""
        tell_free_text(name_caller())
        request = describe_request(self.site_code, statement, parameters)
        rows, notes = self._try_reading(
            lambda: self._execute_once(statement, parameters, request), sa.exc.SQLAlchemyError
        )
        return replace(rows, request="\n".join((request, *notes)))

    def run_batch(self, statement: str, prepare: Callable[[], object] | None = None) -> Batch:
        """Run a whole batch as it is, without parameters, and read all its result sets.

        Tried again from its start like any read, behind what `prepare` does in the same transaction; the notes say so,
        those of the error too when it fails at last.
        """
        tell_free_text(name_caller())
        # The driver's own errors: it is not asked through SQLAlchemy.
        batch, notes = self._try_reading(lambda: self._run_batch_once(statement, prepare), Exception)
        return replace(batch, notes=notes)

    def _try_reading(
        self, act: Callable[[], Result], caught: type[Exception]
    ) -> tuple[Result, tuple[str, ...]]:
        """What it gives, tried again where that is allowed, and one note for each try that was lost."""
        self._require_own_thread()
        if self._is_trying:
            return act(), ()  # a part of a try: the whole is tried again, not it alone
        notes: list[str] = []
        for pause_seconds in (*self._pauses_seconds, None):
            try:
                self._is_trying = True
                return act(), tuple(notes)
            except NonregError:
                raise
            except caught as error:
                if pause_seconds is None or not self._dialect.is_retriable_read(error):
                    translated = self._translate(error)
                    for note in notes:
                        translated.add_note(note)
                    raise translated from error
                notes.append(f"-- relue : erreur {self._dialect.read_state(error)}")
                if self._dialect.is_lost(error):
                    self._connection.invalidate()  # the next try opens another
            finally:
                self._is_trying = False
            self.undo()
            time.sleep(pause_seconds)
        raise AssertionError("unreachable")

    def _execute_once(self, statement: str, parameters: dict[str, Any], request: str) -> Rows:
        result = self._connection.execute(sa.text(statement), self._bind(parameters))
        if not result.returns_rows:
            return Rows((), (), request)
        return Rows(tuple(result.keys()), tuple(tuple(row) for row in result), request)

    def _run_batch_once(self, statement: str, prepare: Callable[[], object] | None) -> Batch:
        if not self._connection.in_transaction():
            self._connection.begin()  # so that the end undoes it
        if prepare is not None:
            prepare()
        return run_batch(self._connection.connection.driver_connection, statement)

    def try_query(self, name: str, **parameters: Any) -> str:
        """The engine's code for why a named query is refused; empty when it is accepted. Its effect is undone."""
        self._require_own_thread()
        tell_watchers(name)
        statement = load_query(self._database.engine, name)
        savepoint = self._connection.begin_nested()
        try:
            self._connection.execute(sa.text(statement), self._bind(parameters))
        except sa.exc.DBAPIError as error:
            if error.connection_invalidated:
                raise self._translate(error) from error
            savepoint.rollback()
            return self._dialect.read_state(error) or "?"
        savepoint.rollback()
        return ""

    def is_right_refusal(self, code: str) -> bool:
        """True when what `try_query` gave says that the account may not, rather than that something is missing."""
        return code in self._dialect.right_refusals

    def commit(self) -> None:
        """Commit what was written; an error here is an unknown outcome and is never retried."""
        self._require_own_thread()
        try:
            self._connection.commit()
        except sa.exc.SQLAlchemyError as error:
            raise self._translate(error) from error

    def undo(self) -> None:
        """Undo what was not committed."""
        self._require_own_thread()
        try:
            self._connection.rollback()
        except sa.exc.SQLAlchemyError as error:
            raise self._translate(error) from error

    def _require_own_thread(self) -> None:
        """Neither pyodbc nor SQLAlchemy shares a connection between threads, and neither says so by itself."""
        ours, caller = self._thread, threading.current_thread()
        if caller is not ours:
            raise NonregError(
                f"Erreur de programmation : la session de {self.site_code} appartient au fil « {ours.name} », et le "
                f"fil « {caller.name} » s'en sert ; ouvrez une session par fil."
            )

    def _bind(self, parameters: dict[str, Any]) -> dict[str, Any]:
        return {name: self._dialect.bind(value) for name, value in parameters.items()}

    def _translate(self, error: BaseException) -> NonregError:
        return self._dialect.translate(error, self._database, self.site_code, False)


def refuse_connection(error: sa.exc.SQLAlchemyError, database: Database, site_code: str) -> NonregError:
    """Why no session could be opened: nothing was sent where nobody answered."""
    translated = choose_dialect(database).translate(error, database, site_code, True)
    return NotSent(str(translated)) if isinstance(translated, Unreachable) else translated


def create_site_engine(
    platform: Platform, site: Site, account: str, application: str = mssql.APPLICATION
) -> sa.Engine:
    """Engine without a pool for the `reader` or `writer` account of a site; its sessions bear the program's name."""
    database = site.database
    if database is None:
        raise ConfigError(f"Le site {site.code} n'a pas de base de données.")
    if account != "reader":
        require_may_write()
    user, variable = (
        (database.reader_user, database.reader_password_env)
        if account == "reader"
        else (database.writer_user, database.writer_password_env)
    )
    dialect = choose_dialect(database)
    return dialect.make_engine(database, user, platform.secret(variable).reveal(), application)


def connect(
    engine: sa.Engine, database: Database, site_code: str, pauses_seconds: tuple[float, ...]
) -> sa.Connection:
    """A connection, tried again after each pause where the network may be to blame; our error otherwise."""
    for pause_seconds in (*pauses_seconds, None):
        try:
            return engine.connect()
        except sa.exc.SQLAlchemyError as error:
            if pause_seconds is None or not choose_dialect(database).is_retriable_login(error):
                raise refuse_connection(error, database, site_code) from error
        time.sleep(pause_seconds)
    raise AssertionError("unreachable")


@contextmanager
def open_session(
    platform: Platform, site: Site, account: str = "reader", *, autocommit: bool = False
) -> Iterator[Session]:
    """One connection in one transaction, rolled back at the end unless `commit()` was called.

    With `autocommit` there is no transaction: for a server's own procedures that want none around them.
    Raises Unreachable, AccessDenied or RequestFailed.
    """
    engine = create_site_engine(platform, site, account)
    if autocommit:
        engine = engine.execution_options(isolation_level="AUTOCOMMIT")
    assert site.database is not None
    reads = account == "reader"
    with hold_connection():
        connection = connect(engine, site.database, site.code, AGAIN_SECONDS if reads else ())
        try:
            yield Session(connection, site.database, site.code, reads_again=reads)
        finally:
            try:
                connection.rollback()
            except sa.exc.SQLAlchemyError:
                connection.invalidate()  # the link is gone, and the transaction with it
            connection.close()
            engine.dispose()


def describe_request(site_code: str, statement: str, parameters: dict[str, Any]) -> str:
    """The request as the report shows it: site, statement, bound values."""
    shown = f"-- {site_code}\n{statement.strip()}"
    if parameters:
        shown += "\n-- " + ", ".join(f":{name} = {value!r}" for name, value in parameters.items())
    return shown
