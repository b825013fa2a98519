"""The connection to the history: SQLite in the folder of runs, or any other database by SQLAlchemy URL.

Writers come one at a time (BEGIN IMMEDIATE, elsewhere a row lock). SQLite keeps its rollback journal rather
than a WAL: one append a night needs no concurrent reader, the file stays a single one that can be copied
or replaced, and it works on a network share.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self, TypeAlias

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from nonreg.clients.history_tables import Writer, metadata, store
from nonreg.errors import ConfigError, NonregError
from nonreg.french import explain_os_error
from nonreg.history_records import CampaignRecord

HistoryUrl: TypeAlias = str | sa.URL
VERSION, ABSENT, FOREIGN = 2, 0, -1
BUSY_SECONDS, LOGIN_SECONDS = 60, 10
DRIVERS = {"postgresql": "postgresql+psycopg"}
SIDE_FILES = ("-journal", "-wal", "-shm")
UNREADABLE = ".illisible"
WRITES = "history_writes"
REBUILD_HINT = "refaites-le par « python -m nonreg history --rebuild »."


class BrokenHistory(ConfigError):
    """The file is no database, or is damaged."""


class HistoryConnection:
    """The database of one history; every transaction is on a connection of its own."""

    def __init__(self, url: HistoryUrl) -> None:
        parsed = parse_url(url)
        self.shown_url = describe_url(parsed)
        self.file = Path(parsed.database or "") if parsed.get_backend_name() == "sqlite" else None
        if self.file is not None and (
            self.file.name in ("", ":memory:") or str(self.file).startswith("file:")
        ):
            raise ConfigError(f"L'historique SQLite veut un fichier : {self.shown_url}")
        self._engine = create_engine(parsed, self.shown_url)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._engine.dispose()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.shown_url!r})"

    def prepare(self) -> None:
        """Create the tables when there are none; ConfigError when what is there is not this history."""
        version = self.read_version()
        if version == ABSENT:
            try:
                with self.transaction(writes=True) as connection:
                    if read_version(connection) == ABSENT:
                        create_tables(connection)
            except NonregError:  # maybe another process was creating them at this moment
                if self.read_version() == ABSENT:
                    raise
            version = self.read_version()
        if version == FOREIGN:
            raise ConfigError(f"{self.shown_url} contient d'autres tables que celles de l'historique.")
        if version != VERSION:
            raise ConfigError(f"L'historique {self.shown_url} est d'une autre version ; {REBUILD_HINT}")

    def read_version(self) -> int:
        """Version of the tables; ABSENT when there are none, FOREIGN when they are somebody else's."""
        with self.transaction() as connection:
            return read_version(connection)

    @contextmanager
    def writing(self) -> Iterator[Writer]:
        """One transaction of the only writer at this moment: all of it is kept, or nothing."""
        with self.transaction(writes=True) as connection:
            take_writer_lock(connection)
            yield Writer(connection)

    @contextmanager
    def transaction(self, writes: bool = False) -> Iterator[sa.Connection]:
        """One transaction, committed at the end; with `writes`, of the only writer at this moment."""
        with translated_errors(self.shown_url), self._connect(writes) as connection:
            yield connection
            connection.commit()

    def _connect(self, writes: bool) -> sa.Connection:
        """A connection in a transaction; a rebuild that replaced the file meanwhile is noticed."""
        options: dict[str, Any] = {WRITES: writes}
        if self.file is None and not writes:
            options["isolation_level"] = "REPEATABLE READ"  # the queries of one answer see one state
        while True:
            before = self._identify_file()
            connection = self._engine.connect().execution_options(**options)
            try:
                connection.begin()
            except BaseException:
                connection.close()
                raise
            if not writes or before == self._identify_file():
                return connection
            connection.close()

    def _identify_file(self) -> tuple[int, int] | None:
        try:
            status = self.file.stat() if self.file else None
        except OSError:
            status = None
        return (status.st_dev, status.st_ino) if status else None


def file_url(file: Path) -> sa.URL:
    """The URL of a history in a file, whatever is in its name: as text, a `?` would end it."""
    return sa.URL.create("sqlite", database=str(file))


def parse_url(url: HistoryUrl) -> sa.URL:
    """The parsed URL, with the driver that the project brings; the error never repeats it."""
    try:
        parsed = sa.make_url(url)
    except (ArgumentError, ValueError):
        raise ConfigError("L'adresse de l'historique n'est pas une URL SQLAlchemy (sqlite:///…).") from None
    return parsed.set(drivername=DRIVERS.get(parsed.drivername, parsed.drivername))


def describe_url(url: sa.URL) -> str:
    """The URL as users may see it: no password, no query."""
    if url.get_backend_name() == "sqlite":
        return url.database or "sqlite://"
    port = f":{url.port}" if url.port else ""
    return f"{url.get_backend_name()}://{url.host or ''}{port}/{url.database or ''}"


def create_engine(url: sa.URL, shown_url: str) -> sa.Engine:
    """Engine without a pool: a history is opened for moments."""
    sqlite = url.get_backend_name() == "sqlite"
    timeouts = {"timeout": BUSY_SECONDS} if sqlite else {}
    if url.drivername.endswith("+psycopg"):
        timeouts = {"connect_timeout": LOGIN_SECONDS}
    try:
        engine = sa.create_engine(url, poolclass=NullPool, hide_parameters=True, connect_args=timeouts)
    except (NoSuchModuleError, ImportError):
        raise ConfigError(f"Le pilote de base de données de l'historique {shown_url} est absent.") from None
    if sqlite:
        sa.event.listen(engine, "connect", _leave_transactions_to_us)
        sa.event.listen(engine, "begin", _begin)
    return engine


def _leave_transactions_to_us(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # otherwise the driver begins by itself, and too late


def _begin(connection: sa.Connection) -> None:
    writes = connection.get_execution_options().get(WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def read_version(connection: sa.Connection) -> int:
    """Version of the tables; ABSENT when there are none, FOREIGN when they are somebody else's."""
    inspector = sa.inspect(connection)
    if not inspector.has_table(store.name):
        return FOREIGN if inspector.get_table_names() else ABSENT
    return int(connection.execute(sa.select(store.c.version)).scalar() or FOREIGN)


def create_tables(connection: sa.Connection) -> None:
    """Create all tables, empty."""
    metadata.create_all(connection)
    connection.execute(store.insert().values(version=VERSION, writes=0))


def take_writer_lock(connection: sa.Connection) -> None:
    """Wait for the other writers in any database: all of them change this one row first."""
    connection.execute(store.update().values(writes=store.c.writes + 1))


@contextmanager
def translated_errors(shown_url: str) -> Iterator[None]:
    """Turn the driver's errors into the project's."""
    try:
        yield
    except SQLAlchemyError as error:
        raise translate_error(error, shown_url) from error


def translate_error(error: SQLAlchemyError, shown_url: str) -> NonregError:
    """The project's error for a driver's, in one sentence; the driver's text is kept to its first line."""
    origin = getattr(error, "orig", None) or error
    name = str(getattr(origin, "sqlite_errorname", ""))
    words = (str(origin).strip().splitlines() or [type(origin).__name__])[0].rstrip(".")
    if name.startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT")):
        return BrokenHistory(f"{shown_url} n'est pas un historique lisible ; {REBUILD_HINT}")
    if words.startswith(("no such table", "no such column")):
        return ConfigError(
            f"Les tables de l'historique {shown_url} ne sont pas les attendues ; {REBUILD_HINT}"
        )
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return NonregError(
            f"L'historique {shown_url} est occupé par un autre processus depuis {BUSY_SECONDS} s."
        )
    if name.startswith("SQLITE_CANTOPEN"):
        return ConfigError(
            f"L'historique {shown_url} ne peut pas être ouvert : vérifiez le dossier et ses droits."
        )
    if name.startswith(("SQLITE_FULL", "SQLITE_IOERR", "SQLITE_READONLY")):
        return NonregError(
            f"Écriture impossible dans l'historique {shown_url} ({words}) ; son état précédent reste lisible."
        )
    return NonregError(f"La base de l'historique {shown_url} refuse la demande : {words}.")


def replace_history(url: HistoryUrl, read_records: Callable[[], Iterable[CampaignRecord]]) -> Path | None:
    """Put a new history in the place of the old one, when it is complete; an unreadable file is kept aside.

    SQLite: a new file beside the old one. `read_records` is called again under the old one's lock, for
    what came meanwhile. Other databases: one transaction, for which other writers wait.
    """
    history = HistoryConnection(url)
    if history.file is not None:
        return _replace_file(history, history.file, read_records)
    with history.transaction(writes=True) as connection:
        version = read_version(connection)
        if version == FOREIGN:
            raise ConfigError(f"{history.shown_url} contient d'autres tables que celles de l'historique.")
        if version not in (ABSENT, VERSION):
            metadata.drop_all(connection)
        if version != VERSION:
            create_tables(connection)
        take_writer_lock(connection)
        writer = Writer(connection)
        writer.clear()
        for record in read_records():
            writer.write(record)
    return None


def _replace_file(
    old: HistoryConnection, file: Path, read_records: Callable[[], Iterable[CampaignRecord]]
) -> Path | None:
    aside = None
    try:
        version = old.read_version()
        if version == FOREIGN:
            raise ConfigError(f"{file} contient d'autres tables que celles de l'historique.")
        if version == ABSENT:  # something to lock: an empty file would be written to at the swap
            old.prepare()
    except BrokenHistory:
        aside = file.with_name(file.name + UNREADABLE)
    try:
        descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    except OSError as error:
        raise ConfigError(
            f"Dossier impossible à écrire : {file.parent} ({explain_os_error(error)})."
        ) from error
    os.close(descriptor)
    partial = Path(name)
    new = HistoryConnection(file_url(partial))
    try:
        new.prepare()
        _write_all(new, read_records)
        partial.chmod(0o644)
        with contextlib.nullcontext() if aside else old.transaction(writes=True):
            _write_all(new, read_records)
            if aside:
                file.replace(aside)
            # SQLite dealt with any journal of the old file when it was opened: none is left for the new one.
            partial.replace(file)
    finally:
        for suffix in ("", *SIDE_FILES):
            partial.with_name(partial.name + suffix).unlink(missing_ok=True)
    return aside


def _write_all(history: HistoryConnection, read_records: Callable[[], Iterable[CampaignRecord]]) -> None:
    with history.writing() as writer:
        for record in read_records():
            writer.write(record)
