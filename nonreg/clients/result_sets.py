"""A whole batch on a driver's own connection, every result set read to the end: an error may come behind the first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nonreg.errors import RequestFailed

MOST_ROWS = 100_000  # of one result set: more is no scenario's result


@dataclass(frozen=True, slots=True)
class ResultSet:
    """One result set: column names and rows, in the server's order."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True, slots=True)
class Batch:
    """What a batch gave: its result sets in order, what it printed, and what a report adds to its request."""

    sets: tuple[ResultSet, ...]
    messages: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def run_batch(connection: Any, statement: str) -> Batch:
    """Run one batch on a DBAPI connection; RequestFailed for too many rows, driver errors as they are."""
    sets: list[ResultSet] = []
    messages: list[str] = []
    cursor = connection.cursor()
    try:
        cursor.execute(statement)
        while True:
            messages += read_messages(cursor)
            if cursor.description is not None:
                columns = tuple(str(one[0]) for one in cursor.description)
                rows = cursor.fetchmany(MOST_ROWS + 1)
                if len(rows) > MOST_ROWS:
                    raise RequestFailed(
                        f"Plus de {MOST_ROWS} lignes dans un seul résultat : ajoutez un filtre."
                    )
                sets.append(ResultSet(columns, tuple(tuple(row) for row in rows)))
            if not cursor.nextset():
                return Batch(tuple(sets), tuple(messages))
    finally:
        cursor.close()


def read_messages(cursor: Any) -> list[str]:
    """What the server printed with the current result (pyodbc alone tells), without the driver's prefixes."""
    return [str(text).rpartition("]")[2].strip() for _, text in getattr(cursor, "messages", None) or ()]
