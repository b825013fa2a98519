"""One side of a comparison: a session in a thread of its own, so that both servers work at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, TypeVar

from nonreg.clients.scope import adopt_scope, current_scope
from nonreg.clients.sql import Rows, Session, open_session
from nonreg.comparison.dialect import DIALECTS, Dialect
from nonreg.comparison.hashes import Entries
from nonreg.comparison.pace import Pace, next_size
from nonreg.comparison.slices import Bound, Extent, Layout, Sum
from nonreg.comparison.table import Name, Table, read_table
from nonreg.config import Platform, Site
from nonreg.errors import AccessDenied, ConfigError, RequestFailed

Result = TypeVar("Result")
EXTENT = "étendue"
# Few at first: a slice is of whole pages or keys, whose texts may be very long.
FIRST_SLICES, MOST_SLICES = 4, 4096


@dataclass(frozen=True, slots=True)
class Place:
    """Where one copy of the table is."""

    platform: Platform
    site: Site

    @property
    def engine(self) -> str:
        """Its engine; ConfigError for a site without a database."""
        if self.site.database is None:
            raise ConfigError(f"Le site {self.site.code} n'a pas de base de données.")
        return self.site.database.engine


@dataclass(frozen=True, slots=True)
class Question:
    """What both sides are asked: one table, cut in one way, up to one bound, hashed in one way."""

    table: Table
    layout: Layout
    bound: Bound | None
    row_hash: str

    @property
    def parameters(self) -> dict[str, Any]:
        """What is bound in each statement."""
        return {"upto": self.bound.upto} if self.bound else {}


class Stopped(Exception):
    """The other side failed; nobody waits for this one's answer."""


class Side:
    """Closed at the end of its `with`; every method but `close` gives a future."""

    def __init__(self, place: Place, label: str, pace: Pace, stop: threading.Event) -> None:
        self.label = label
        self._dialect: Dialect = DIALECTS[place.engine]
        self._pace = pace
        self._stop = stop
        self._stack = ExitStack()
        self._place = place
        self._session: Session
        self._thread = ThreadPoolExecutor(
            1, f"comparaison-{label}", initializer=adopt_scope, initargs=(current_scope(),)
        )
        self.requests: dict[str, str] = {}  # by subject

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._stop.set()
        self._thread.submit(self._stack.close)
        self._thread.shutdown(wait=True)

    def open(self, name: Name) -> Future[Table]:
        """Open the session and read what the table is."""

        def act() -> Table:
            self._session = self._stack.enter_context(open_session(self._place.platform, self._place.site))
            try:
                for statement in self._dialect.write_start(name):
                    self._session.execute(statement)
            except (RequestFailed, AccessDenied):
                self._session.undo()
                self._read_table(name)  # says what is wrong with the table, if it is the table
                raise
            return self._read_table(name)

        return self._thread.submit(act)

    def _read_table(self, name: Name) -> Table:
        rows = self._session.query("compare_columns", schema_name=name.schema, table_name=name.table)
        return read_table(name, rows, self._dialect.KINDS, self.label)

    def read_extent(self, table: Table) -> Future[Extent]:
        """Where its rows are."""

        def act() -> Extent:
            statement = self._dialect.write_extent(table)
            words = {"schema_name": table.name.schema, "table_name": table.name.table}
            rows = self._ask(
                EXTENT, statement, **{k: v for k, v in words.items() if f":{k}" in statement}
            ).rows
            if not rows:
                raise RequestFailed(f"La table {table.name} a disparu de {self.label}.")
            return Extent(*(int(value) for value in rows[0]))

        return self._thread.submit(act)

    def read_mark(self, table: Table, column: str) -> Future[Any]:
        """The largest value of a column; None when there is none."""
        statement = self._dialect.write_mark(table, column)
        return self._thread.submit(lambda: self._ask("borne", statement).scalar())

    def read_sums(
        self,
        question: Question,
        numbers: Sequence[int],
        report: Callable[[Mapping[int, Sum]], None],
        subject: str = "sommes",
    ) -> Future[None]:
        """Rows and checksum of each slice, told batch by batch."""
        statement = self._dialect.write_sums(
            question.table, question.layout, question.bound, question.row_hash
        )

        def act() -> None:
            start, size = 0, FIRST_SLICES
            while start < len(numbers):
                batch = list(numbers[start : start + size])
                rows, seconds = self._at_pace(subject, statement, slices=batch, **question.parameters)
                found = {int(number): (int(count), int(total)) for number, count, total in rows.rows}
                if len(found) != len(batch):
                    raise RequestFailed(f"{self.label} n'a pas répondu pour toutes les tranches demandées.")
                report(found)
                start += len(batch)
                size = next_size(size, seconds, MOST_SLICES)

        return self._thread.submit(act)

    def read_parts(self, question: Question, number: int, parts: int) -> Future[dict[int, Sum]]:
        """Rows and checksum of each part of one slice that has any."""
        statement = self._dialect.write_parts(
            question.table, question.layout, question.bound, question.row_hash
        )

        def act() -> dict[int, Sum]:
            rows, _ = self._at_pace("parts", statement, slices=[number], parts=parts, **question.parameters)
            return {int(part): (int(count), int(total)) for part, count, total in rows.rows}

        return self._thread.submit(act)

    def read_hashes(
        self, question: Question, batch: Sequence[int], parts: int = 1, chosen: Sequence[int] = ()
    ) -> Future[Entries]:
        """The hash of every row of some slices, or of the chosen parts of one."""
        statement = self._dialect.write_hashes(
            question.table, question.layout, question.bound, question.row_hash, in_parts=parts > 1
        )

        def act() -> Entries:
            cut = {"parts": parts, "chosen": list(chosen)} if parts > 1 else {}
            rows, _ = self._at_pace("empreintes", statement, slices=list(batch), **cut, **question.parameters)
            return self._dialect.read_hashes(rows)

        return self._thread.submit(act)

    def read_rows(self, question: Question, batches: Sequence[Entries]) -> Future[list[tuple[Any, ...]]]:
        """The rows of some hashes, their key first."""
        statement = self._dialect.write_rows(
            question.table, question.layout, question.bound, question.row_hash
        )

        def act() -> list[tuple[Any, ...]]:
            found: list[tuple[Any, ...]] = []
            for batch in batches:
                chosen = self._dialect.choose_rows(batch)
                parameters = {k: v for k, v in question.parameters.items() if f":{k}" in statement}
                rows, _ = self._at_pace("lignes", statement, **chosen, **parameters)
                found.extend(self._dialect.read_rows(question.table, rows))
            return found

        return self._thread.submit(act)

    def ask(self, subject: str, statement: str, **parameters: Any) -> Future[Rows]:
        """What another statement gives."""
        return self._thread.submit(lambda: self._at_pace(subject, statement, **parameters)[0])

    def _at_pace(self, subject: str, statement: str, **parameters: Any) -> tuple[Rows, float]:
        if self._stop.is_set():
            raise Stopped
        return self._pace.run(lambda: self._ask(subject, statement, **parameters), self.label, self._stop)

    def _ask(self, subject: str, statement: str, **parameters: Any) -> Rows:
        rows = self._session.execute(statement, **parameters)
        # One of each kind is enough for the report, without its hundreds of numbers.
        self.requests.setdefault(subject, statement)
        return rows


def tell_requests(sides: Sequence[Side], bound: Bound | None) -> tuple[str, ...]:
    """What was asked of which side, each statement once; where the rows are is no evidence."""
    asked: dict[tuple[str, str], list[str]] = {}
    for side in sides:
        for subject, statement in side.requests.items():
            if subject != EXTENT:
                asked.setdefault((subject, statement), []).append(side.label)
    value = f"\n-- :upto = {bound.upto!r}" if bound else ""
    return tuple(
        f"-- {', '.join(labels)} : {subject}\n{statement}{value if ':upto' in statement else ''}"
        for (subject, statement), labels in asked.items()
    )
