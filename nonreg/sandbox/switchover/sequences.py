"""Sequences are not replicated: a site that becomes active must go on beyond every number that was given out."""

from __future__ import annotations

from dataclasses import dataclass

from psycopg import sql

from nonreg.sandbox.switchover.replication import Connection

MARGIN = 1000
FORCED_MARGIN = 1_000_000  # the lost site may have given out numbers that never arrived


@dataclass(frozen=True, slots=True)
class Sequence:
    """A sequence and the last number it gave, 0 for none; `column` (schema, table, column) takes them, if one does."""

    schema: str
    name: str
    last: int
    highest: int
    column: tuple[str, str, str] | None


def read_sequences(connection: Connection) -> list[Sequence]:
    """Every sequence of one site."""
    rows = connection.execute(
        "SELECT s.schemaname, s.sequencename, coalesce(s.last_value, 0), s.max_value, n.nspname, t.relname, a.attname"
        " FROM pg_sequences s"
        " LEFT JOIN pg_depend d ON d.objid = format('%I.%I', s.schemaname, s.sequencename)::regclass"
        "  AND d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')"
        " LEFT JOIN pg_class t ON t.oid = d.refobjid LEFT JOIN pg_namespace n ON n.oid = t.relnamespace"
        " LEFT JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid"
        " ORDER BY 1, 2"
    ).fetchall()
    return [
        Sequence(
            str(schema),
            str(name),
            int(last),
            int(highest),
            (str(at), str(table), str(column)) if table else None,
        )
        for schema, name, last, highest, at, table, column in rows
    ]


def advance_sequences(new: Connection, known: list[Sequence], margin: int) -> None:
    """Put every sequence of the new active site beyond what either site gave out, and beyond the rows that arrived."""
    given = {(sequence.schema, sequence.name): sequence.last for sequence in known}
    for own in read_sequences(new):
        last = max(own.last, given.get((own.schema, own.name), 0), read_highest(new, own))
        new.execute(
            "SELECT setval(format('%%I.%%I', %s::text, %s::text)::regclass, %s)",
            (own.schema, own.name, min(last + margin, own.highest)),
        )


def read_highest(connection: Connection, sequence: Sequence) -> int:
    """The highest number that a row carries, 0 for none."""
    if sequence.column is None:
        return 0
    schema, table, column = sequence.column
    statement = sql.SQL("SELECT coalesce(max({}), 0) FROM {}")
    row = connection.execute(
        statement.format(sql.Identifier(column), sql.Identifier(schema, table))
    ).fetchone()
    return int(row[0]) if row else 0
