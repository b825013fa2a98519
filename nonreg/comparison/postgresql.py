"""PostgreSQL: hashes chained through their seeds, slices of the table's own pages.

Traps (each is in the tests): `hash_numeric` forgets the sign and takes NaN for infinity, `hashint8` folds two halves
into one, `sum(hash_record(t))` does not see two values exchanged. So: decimals by their text, long integers by both
halves, each column's hash is the seed of the next, and the first seed says which values are NULL.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, time
from typing import Any

import numpy as np

from nonreg.clients.sql import Rows
from nonreg.comparison.hashes import Entries, make_entries
from nonreg.comparison.slices import Bound, Extent, Layout
from nonreg.comparison.table import Column, Kind, Name, Table

KINDS = {
    "int2": Kind.INTEGER,
    "int4": Kind.INTEGER,
    "int8": Kind.BIG_INTEGER,
    "numeric": Kind.DECIMAL,
    "float4": Kind.FLOAT,
    "float8": Kind.FLOAT,
    "bool": Kind.BOOLEAN,
    "text": Kind.TEXT,
    "varchar": Kind.TEXT,
    "bpchar": Kind.PADDED_TEXT,
    "uuid": Kind.UUID,
    "date": Kind.DATE,
    "time": Kind.TIME,
    "timestamp": Kind.INSTANT,
    "timestamptz": Kind.ZONED_INSTANT,
    "bytea": Kind.BYTES,
}
# One core, and dates and numbers written in one way.
SETTINGS = {
    "max_parallel_workers_per_gather": "0",
    "jit": "off",
    "timezone": "UTC",
    "datestyle": "ISO, YMD",
    "extra_float_digits": "1",
    "bytea_output": "hex",
    "standard_conforming_strings": "on",
    "search_path": "pg_catalog",
}
ONE_SNAPSHOT = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
SET = "SELECT " + ", ".join(
    f"pg_catalog.set_config('{name}', '{value}', true)" for name, value in SETTINGS.items()
)
PAGES = 16  # of a slice: some thousand rows
PACKED = np.dtype([("hash", ">i8"), ("page", ">u4"), ("line", ">u2")])
BAR = " || '|' || "
BITS = 30  # of one seed
STAND_INS = {
    Kind.INTEGER: "0",
    Kind.BIG_INTEGER: "0",
    Kind.FLOAT: "0",
    Kind.BOOLEAN: "false",
    Kind.UUID: "CAST('00000000-0000-0000-0000-000000000000' AS uuid)",
    Kind.DATE: "DATE '2000-01-01'",
    Kind.TIME: "TIME '00:00'",
    Kind.INSTANT: "TIMESTAMP '2000-01-01'",
    Kind.ZONED_INSTANT: "TIMESTAMPTZ '2000-01-01 00:00Z'",
}
TYPES = {
    Kind.INTEGER: "bigint",
    Kind.BIG_INTEGER: "bigint",
    Kind.DECIMAL: "numeric",
    Kind.FLOAT: "float8",
    Kind.BOOLEAN: "boolean",
    Kind.TEXT: "text",
    Kind.PADDED_TEXT: "text",
    Kind.UUID: "uuid",
    Kind.DATE: "date",
    Kind.TIME: "time",
    Kind.INSTANT: "timestamp",
    Kind.ZONED_INSTANT: "timestamptz",
    Kind.BYTES: "bytea",
}
PARSERS: dict[Kind, Callable[[str], object]] = {
    Kind.DATE: date.fromisoformat,
    Kind.TIME: time.fromisoformat,
    Kind.INSTANT: datetime.fromisoformat,
    Kind.ZONED_INSTANT: datetime.fromisoformat,
}
NAN = "NaN"


def quote(name: str) -> str:
    """An identifier; a colon in it would be taken for a parameter."""
    return '"' + name.replace('"', '""').replace(":", "\\:") + '"'


def write_value(column: Column) -> str:
    """The column of `m` at the kind and scale at which it is compared."""
    text = f"m.{quote(column.name)}"
    if column.kind in (Kind.TIME, Kind.INSTANT, Kind.ZONED_INSTANT) and column.scale is not None:
        types = {Kind.TIME: "time", Kind.INSTANT: "timestamp", Kind.ZONED_INSTANT: "timestamptz"}
        return f"CAST({text} AS {types[column.kind]}({column.scale}))"
    if column.kind is Kind.PADDED_TEXT:
        return f"rtrim(CAST({text} AS text))"
    if column.kind is Kind.BIG_INTEGER:
        return f"CAST({text} AS bigint)"
    if column.kind is Kind.FLOAT:
        return f"CAST({text} AS float8)"
    return text


def write_text(column: Column) -> str:
    """The value as text, one text for each value."""
    value = write_value(column)
    if column.kind is Kind.DECIMAL:
        is_fixed = column.is_alike and column.scale is not None
        return f"CAST({value} AS text)" if is_fixed else f"CAST(trim_scale({value}) AS text)"
    if column.kind is Kind.FLOAT:
        return f"CAST({value} + 0 AS text)"
    if column.kind is Kind.BYTES:
        return f"encode({value}, 'hex')"
    return f"CAST({value} AS text)"


def hash_text(text: str, seed: str) -> str:
    return f'hashtextextended(CAST({text} AS text) COLLATE "C", {seed})'


def hash_halves(value: str, seed: str) -> str:
    """The server folds the halves into one: the upper one in the seed too tells which they were."""
    return f"hashint8extended({value}, {seed} # ({value} >> 32))"


HASHES: dict[Kind, Callable[[str, str], str]] = {
    Kind.INTEGER: lambda value, seed: f"hashint4extended({value}, {seed})",
    Kind.BIG_INTEGER: hash_halves,
    Kind.FLOAT: lambda value, seed: f"hashfloat8extended({value}, {seed})",
    Kind.BOOLEAN: lambda value, seed: f"hashint4extended(CAST({value} AS integer), {seed})",
    Kind.UUID: lambda value, seed: f"uuid_hash_extended({value}, {seed})",
    Kind.DATE: lambda value, seed: f"hashfloat8extended(date_part('epoch', {value}), {seed})",
    Kind.TIME: lambda value, seed: f"hashfloat8extended(date_part('epoch', {value}), {seed})",
    # Seconds in a float are exact to the microsecond within 285 years of 1970, the type's own hash elsewhere.
    Kind.INSTANT: lambda value, seed: (
        f"timestamp_hash_extended({value}, hashfloat8extended(date_part('epoch', {value}), {seed}))"
    ),
    Kind.ZONED_INSTANT: lambda value, seed: (
        f"timestamp_hash_extended({value} AT TIME ZONE 'UTC', "
        f"hashfloat8extended(date_part('epoch', {value}), {seed}))"
    ),
}


def hash_column(column: Column, seed: str) -> str:
    """The hash of one column with the hash of those before it as its seed; NULL is told by the first seed."""
    if column.kind in HASHES:
        value = write_value(column)
        if column.is_nullable:
            value = f"COALESCE({value}, {STAND_INS[column.kind]})"
        return HASHES[column.kind](value, seed)
    text = write_text(column)
    return hash_text(f"COALESCE({text}, '')" if column.is_nullable else text, seed)


def write_seeds(columns: Sequence[Column]) -> list[str]:
    """Numbers whose bits say which values are NULL; at least one.

    Above 32 bits, where half of a long integer cannot stand for them. A decimal needs none: its text is never empty.
    """
    nullable = [column for column in columns if column.is_nullable and column.kind is not Kind.DECIMAL]
    groups = [nullable[start : start + BITS] for start in range(0, len(nullable), BITS)] or [[]]
    return [
        " + ".join(
            [
                "1",
                *(
                    f"CASE WHEN m.{quote(one.name)} IS NULL THEN {2 << bit + 32} ELSE 0 END"
                    for bit, one in enumerate(group)
                ),
            ]
        )
        for group in groups
    ]


def mark(column: Column) -> str:
    """`V` and the value's text with its bars and backslashes marked, `N` for NULL."""
    text = f"replace(replace({write_text(column)} COLLATE \"C\", '\\', '\\\\'), '|', '\\|')"
    return f"COALESCE('V' || {text}, 'N')" if column.is_nullable else f"'V' || {text}"


def hash_marked(marked: Sequence[str]) -> str:
    """Signed 64 bits of marked texts, the same on every version of the server and in any encoding of its own."""
    content = f"convert_to({BAR.join(marked)}, 'UTF8')"
    return f"CAST(CAST('x' || left(md5({content}), 16) AS bit(64)) AS bigint)"


def write_hash(columns: Sequence[Column], portable: bool) -> str:
    """Signed 64 bits of one row of `m`; the portable form is the same on every version of the server."""
    if portable:
        return hash_marked([mark(column) for column in columns])
    first, *others = write_seeds(columns)
    text = f"CAST({first} AS bigint)"
    for seed in others:
        text = f"hashint8extended({seed}, {text})"
    for column in columns:
        text = hash_column(column, text)
    return text


def find_column(table: Table, name: str) -> Column:
    """One that the table is known to have."""
    return next(column for column in table.columns if column.name == name)


def write_limit(column: Column) -> str:
    """Rows under the bound, at the precision of the comparison; one that was typed, or kept in a file, is a text."""
    return f"{write_value(column)} <= CAST(:upto AS {TYPES[column.kind]})"


def write_source(table: Table, bound: Bound | None) -> str:
    """The rows of one slice `s`."""
    limit = f" AND {write_limit(find_column(table, bound.column))}" if bound else ""
    return (
        f"{quote(table.name.schema)}.{quote(table.name.table)} m\n"
        f"    WHERE m.ctid >= s.first_row AND m.ctid < s.next_row{limit}"
    )


def write_slices(layout: Layout) -> str:
    """The slices asked for, each with its first row and the one behind its last."""
    page = f"CAST({layout.first} + n * CAST({layout.width} AS bigint) AS text)"
    after = f"CAST({layout.first} + (n + 1) * CAST({layout.width} AS bigint) AS text)"
    return (
        f"(SELECT n AS slice, CAST('(' || {page} || ',0)' AS tid) AS first_row, "
        f"CAST('(' || {after} || ',0)' AS tid) AS next_row\n    FROM unnest(CAST(:slices AS integer[])) n) s"
    )


def write_start(name: Name) -> tuple[str, ...]:
    """What a session begins with; the table is kept as it is from before the snapshot, which the first SELECT takes.

    One that is rewritten behind the snapshot shows no row: a delivery on both sides would make two empty tables.
    """
    lock = f"LOCK TABLE {quote(name.schema)}.{quote(name.table)} IN ACCESS SHARE MODE"
    return (ONE_SNAPSHOT, lock, SET)


def write_extent(table: Table) -> str:
    """Pages, about how many rows, version of the server's own hashes, with the encoding of the texts that they read."""
    del table
    return (
        "SELECT 0 AS first_position,\n"
        "    pg_relation_size(c.oid) / CAST(current_setting('block_size') AS integer) AS last_position,\n"
        "    CAST(GREATEST(c.reltuples, 0) AS bigint) AS row_count,\n"
        "    CAST(current_setting('server_version_num') AS integer) / 10000 * 1000\n"
        "        + pg_char_to_encoding(getdatabaseencoding()) AS hash_version,\n"
        "    CAST(pg_relation_filenode(c.oid) AS bigint) AS storage\n"
        "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace\n"
        "WHERE n.nspname = :schema_name AND c.relname = :table_name"
    )


def write_mark(table: Table, column: str) -> str:
    """The largest value of a column."""
    source = f"{quote(table.name.schema)}.{quote(table.name.table)}"
    return f"SELECT max({write_value(find_column(table, column))}) AS mark FROM {source} m"


def lay_out(table: Table, extents: Sequence[Extent]) -> Layout:
    """Slices of whole pages, as many as the side that has more of them needs."""
    del table
    return Layout(0, PAGES, max(1, -(-max(extent.last for extent in extents) // PAGES)))


def write_sums(table: Table, layout: Layout, bound: Bound | None, row_hash: str) -> str:
    """Rows and sum of hashes of each slice."""
    return (
        f"SELECT s.slice, x.row_count, x.checksum\nFROM {write_slices(layout)}\nCROSS JOIN LATERAL (\n"
        f"    SELECT count(*) AS row_count, COALESCE(sum({row_hash}), 0) AS checksum\n"
        f"    FROM {write_source(table, bound)}\n) x"
    )


def write_parts(table: Table, layout: Layout, bound: Bound | None, row_hash: str) -> str:
    """Rows and sum of hashes of each part of a slice."""
    return (
        "SELECT abs(x.row_hash % :parts) AS part, count(*) AS row_count, sum(x.row_hash) AS checksum\n"
        f"FROM {write_slices(layout)}\nCROSS JOIN LATERAL (\n"
        f"    SELECT {row_hash} AS row_hash\n    FROM {write_source(table, bound)}\n) x\nGROUP BY 1"
    )


def write_hashes(table: Table, layout: Layout, bound: Bound | None, row_hash: str, *, in_parts: bool) -> str:
    """The hash of each row and where it is, fourteen bytes, packed by slice."""
    chosen = f"\n    AND abs({row_hash} % :parts) = ANY(CAST(:chosen AS bigint[]))" if in_parts else ""
    return (
        f"SELECT x.packed\nFROM {write_slices(layout)}\nCROSS JOIN LATERAL (\n"
        f"    SELECT string_agg(int8send({row_hash}) || tidsend(m.ctid), '') AS packed\n"
        f"    FROM {write_source(table, bound)}{chosen}\n) x"
    )


def read_hashes(rows: Rows) -> Entries:
    """Entries from packed hashes."""
    found = np.frombuffer(b"".join(packed for (packed,) in rows.rows if packed), PACKED)
    return make_entries(found["page"].astype(np.int64) << 16 | found["line"], found["hash"].astype(np.int64))


def write_rows(table: Table, layout: Layout, bound: Bound | None, row_hash: str) -> str:
    """Some rows, key first, by where they are: nothing moves as long as the snapshot of the session holds.

    OFFSET 0 keeps each a look at one page; the planner takes thousands of them for a reason to read the whole table.
    """
    del layout, bound, row_hash
    columns = ", ".join(f"{write_shown(column)} AS {quote(column.name)}" for column in table.shown)
    source = f"{quote(table.name.schema)}.{quote(table.name.table)}"
    return (
        "SELECT x.*\nFROM unnest(CAST(:places AS tid[])) p\nCROSS JOIN LATERAL (\n"
        f"    SELECT {columns}\n    FROM {source} m\n    WHERE m.ctid = p\n    OFFSET 0\n) x"
    )


def write_shown(column: Column) -> str:
    """The value as it is fetched: text of dates and times, some of which the driver has no form of."""
    value = write_value(column)
    return f"CAST({value} AS text)" if column.kind in PARSERS else value


def read_rows(table: Table, rows: Rows) -> list[tuple[Any, ...]]:
    """Rows of `write_rows`; a value that Python has no form of, or that equals nothing, as the server's text."""
    parsers = [(place, PARSERS[one.kind]) for place, one in enumerate(table.shown) if one.kind in PARSERS]
    numbers = [place for place, one in enumerate(table.shown) if one.kind in (Kind.DECIMAL, Kind.FLOAT)]
    found: list[tuple[Any, ...]] = []
    for row in rows.rows:
        if not parsers and all(row[place] == row[place] for place in numbers):
            found.append(row)
            continue
        values = list(row)
        for place, parse in parsers:
            values[place] = parse_text(values[place], parse)
        for place in numbers:
            values[place] = values[place] if values[place] == values[place] else NAN
        found.append(tuple(values))
    return found


def parse_text(text: str | None, parse: Callable[[str], object]) -> object:
    """What a date or a time says, the text itself where it lies outside of what Python knows."""
    try:
        return None if text is None else parse(text)
    except ValueError:
        return text


def choose_rows(entries: Entries) -> dict[str, list[str]]:
    """Their places, as the server writes them."""
    return {"places": [f"({place >> 16},{place & 0xFFFF})" for place in entries["place"].tolist()]}
