"""SQL Server: SHA-256 of an unambiguous encoding of the row, slices of the key's first column.

Each column is a mark, 0x00 for NULL, and its value in a fixed number of bytes or behind its length: no two rows share
an encoding. The first 64 bits of the digest are the hash; their sum is exact in a decimal(38). `=` ignores trailing
blanks and maybe case, HASHBYTES does not; datetime rounds to 1/300 s: both sides are cast to one precision.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from nonreg.clients.sql import Rows
from nonreg.comparison.hashes import Entries, make_entries
from nonreg.comparison.slices import Bound, Extent, Layout
from nonreg.comparison.table import Column, Kind, Name, Table

KINDS = {
    "tinyint": Kind.INTEGER,
    "smallint": Kind.INTEGER,
    "int": Kind.INTEGER,
    "bigint": Kind.BIG_INTEGER,
    "decimal": Kind.DECIMAL,
    "numeric": Kind.DECIMAL,
    "money": Kind.DECIMAL,
    "smallmoney": Kind.DECIMAL,
    "real": Kind.FLOAT,
    "float": Kind.FLOAT,
    "bit": Kind.BOOLEAN,
    "varchar": Kind.TEXT,
    "nvarchar": Kind.TEXT,
    "sysname": Kind.TEXT,
    "char": Kind.PADDED_TEXT,
    "nchar": Kind.PADDED_TEXT,
    "uniqueidentifier": Kind.UUID,
    "date": Kind.DATE,
    "time": Kind.TIME,
    "datetime": Kind.INSTANT,
    "datetime2": Kind.INSTANT,
    "smalldatetime": Kind.INSTANT,
    "datetimeoffset": Kind.ZONED_INSTANT,
    "binary": Kind.BYTES,
    "varbinary": Kind.BYTES,
}
ROWS = 5_000  # wanted in a slice
MOST_SLICES = 100_000
HASH_VERSION = 0  # SHA-256 is the same on every version
# Types whose bytes are the value, and how many they are.
FIXED = {
    Kind.INTEGER: ("bigint", 8),
    Kind.BIG_INTEGER: ("bigint", 8),
    Kind.BOOLEAN: ("bit", 1),
    Kind.UUID: ("uniqueidentifier", 16),
    Kind.DATE: ("date", 3),
}
# `+` of short binaries is cut at 8000 bytes; so many columns, of 59 bytes at most, are shorter.
MOST_SHORT = 130
LOWEST = {Kind.INTEGER: -(2**31), Kind.BIG_INTEGER: -(2**63)}
TIMES = (Kind.TIME, Kind.INSTANT, Kind.ZONED_INSTANT)
TYPES = {Kind.INTEGER: "int", Kind.BIG_INTEGER: "bigint"}


def quote(name: str) -> str:
    """An identifier; a colon in it would be taken for a parameter."""
    return "[" + name.replace("]", "]]").replace(":", "\\:") + "]"


def write_value(column: Column) -> str:
    """The column of `m` at the kind and scale at which it is compared."""
    text = f"m.{quote(column.name)}"
    scale = column.scale
    if column.kind is Kind.DECIMAL:
        return f"CAST({text} AS decimal(38, {scale or 0}))"
    if column.kind is Kind.FLOAT:
        return f"CASE WHEN {text} = 0 THEN 0e0 ELSE CAST({text} AS float) END"  # -0 is 0
    if column.kind is Kind.PADDED_TEXT:
        return f"RTRIM({text})"
    if column.kind is Kind.INSTANT:
        return f"CAST({text} AS datetime2({7 if scale is None else scale}))"
    if column.kind is Kind.ZONED_INSTANT:
        return f"CAST(SWITCHOFFSET({text}, 0) AS datetime2({7 if scale is None else scale}))"
    if column.kind is Kind.TIME:
        return f"CAST({text} AS time({7 if scale is None else scale}))"
    return text


def write_bytes(column: Column) -> str:
    """The value as bytes that no other value shares."""
    value = write_value(column)
    if column.kind in FIXED:
        type_name, size = FIXED[column.kind]
        return f"CAST(CAST({value} AS {type_name}) AS binary({size}))"
    if column.kind is Kind.FLOAT:
        return f"CAST({value} AS binary(8))"
    if column.kind is Kind.BYTES:
        return write_long(f"CAST({value} AS varbinary(max))")
    if column.kind in (Kind.TEXT, Kind.PADDED_TEXT):
        return write_long(f"CAST(CAST({value} AS nvarchar(max)) AS varbinary(max))")
    # Decimals, times and instants: their text at one precision.
    style = ", 121" if column.kind in TIMES else ""
    return write_long(f"CAST(CONVERT(varchar(50), {value}{style}) AS varbinary(50))")


def write_long(value: str) -> str:
    """Bytes behind their length."""
    return f"CAST(CAST(DATALENGTH({value}) AS bigint) AS binary(8)) + {value}"


def write_column(column: Column) -> str:
    """A column in the row's encoding, NULL marked."""
    encoded = write_bytes(column)
    if not column.is_nullable:
        return encoded
    return f"CASE WHEN m.{quote(column.name)} IS NULL THEN 0x00 ELSE 0x01 + {encoded} END"


def write_hash(columns: Sequence[Column], portable: bool) -> str:
    """Signed 64 bits of one row of `m`, the same on every version of the server."""
    del portable
    start = ["CAST(0x AS varbinary(max))"] if len(columns) > MOST_SHORT else []
    encoded = "\n        + ".join([*start, *(write_column(column) for column in columns)])
    return f"CAST(SUBSTRING(HASHBYTES('SHA2_256', {encoded}), 1, 8) AS bigint)"


def is_cut(table: Table) -> bool:
    """Whether the key's first column is one that ranges can be made of."""
    return table.shown[0].kind in LOWEST


def write_start(name: Name) -> tuple[str, ...]:
    """Nothing: there is no snapshot, each request reads what there is."""
    del name
    return ()


def write_extent(table: Table) -> str:
    """The key's first and last value and about how many rows."""
    low, high, source = "0", "0", ""
    if is_cut(table):
        low, high = (f"{which}(m.{quote(table.shown[0].name)})" for which in ("MIN", "MAX"))
        source = f"\nFROM {name_table(table)} m"
    return (
        f"SELECT COALESCE(CAST({low} AS bigint), 0) AS first_position,\n"
        f"    COALESCE(CAST({high} AS bigint), 0) AS last_position,\n"
        "    (SELECT COALESCE(SUM(p.rows), 0) FROM sys.partitions p\n"
        "     WHERE p.object_id = OBJECT_ID(QUOTENAME(:schema_name) + '.' + QUOTENAME(:table_name))\n"
        "       AND p.index_id IN (0, 1)) AS row_count,\n"
        f"    {HASH_VERSION} AS hash_version{source}"
    )


def write_mark(table: Table, column: str) -> str:
    """The largest value of a column."""
    return f"SELECT MAX({write_value(find_column(table, column))}) AS mark FROM {name_table(table)} m"


def lay_out(table: Table, extents: Sequence[Extent]) -> Layout:
    """Ranges of the key's first column; one slice when it is no integer."""
    first, last = min(extent.first for extent in extents), max(extent.last for extent in extents)
    rows = max(extent.rows for extent in extents)
    span = last - first + 1
    wanted = min(max(1, rows // ROWS), span, MOST_SLICES)
    if not is_cut(table) or wanted <= 1:
        return Layout(0, 1, 1)
    width = -(-span // wanted)
    return Layout(first, width, -(-span // width))


def name_table(table: Table) -> str:
    """Its schema and name, quoted."""
    return f"{quote(table.name.schema)}.{quote(table.name.table)}"


def find_column(table: Table, name: str) -> Column:
    """One that the table is known to have."""
    return next(column for column in table.columns if column.name == name)


def write_limit(column: Column) -> str:
    """Rows under the bound: instants at the precision of the comparison, or a datetime's thirds would lie above it.

    A bound taken up from a file is text, which only the newer types read alike in every language.
    """
    value = write_value(column)
    if column.kind is Kind.ZONED_INSTANT:
        return f"{value} <= CAST(SWITCHOFFSET(CAST(:upto AS datetimeoffset(7)), 0) AS datetime2(7))"
    types = {Kind.INSTANT: "datetime2(7)", Kind.TIME: "time(7)", Kind.DATE: "date"}
    if column.kind in types:
        return f"{value} <= CAST(:upto AS {types[column.kind]})"
    return f"m.{quote(column.name)} <= :upto"


def write_source(table: Table, layout: Layout, bound: Bound | None) -> str:
    """The rows of one slice `s`: the first and the last have no other end than their type's."""
    conditions = []
    if layout.count > 1:
        conditions.append(f"m.{quote(table.shown[0].name)} BETWEEN s.first_key AND s.last_key")
    if bound:
        conditions.append(write_limit(find_column(table, bound.column)))
    where = "\n    WHERE " + " AND ".join(conditions) if conditions else ""
    return f"{name_table(table)} m{where}"


def write_slices(table: Table, layout: Layout) -> str:
    """The slices asked for, each with its first and last key; in decimals, whose arithmetic has room for any key."""
    number = "CAST(j.value AS bigint)"
    if layout.count == 1:
        return f"(SELECT {number} AS slice FROM OPENJSON(:slices) j) s"
    kind = table.shown[0].kind
    lowest, highest = LOWEST[kind], -LOWEST[kind] - 1
    start, end = (
        f"{layout.first} + {step} * CAST({layout.width} AS decimal(20, 0))"
        for step in (number, f"({number} + 1)")
    )
    type_name = TYPES[kind]
    return (
        f"(SELECT {number} AS slice,\n"
        f"        CAST(CASE {number} WHEN 0 THEN {lowest} ELSE {start} END AS {type_name}) AS first_key,\n"
        f"        CAST(CASE {number} WHEN {layout.count - 1} THEN {highest} ELSE {end} - 1 END AS {type_name})\n"
        "            AS last_key\n"
        "    FROM OPENJSON(:slices) j) s"
    )


def write_sums(table: Table, layout: Layout, bound: Bound | None, row_hash: str) -> str:
    """Rows and sum of hashes of each slice."""
    return (
        f"SELECT s.slice, x.row_count, x.[checksum]\nFROM {write_slices(table, layout)}\nCROSS APPLY (\n"
        f"    SELECT COUNT_BIG(*) AS row_count, COALESCE(SUM(CAST(d.row_hash AS decimal(38, 0))), 0) AS [checksum]\n"
        f"    FROM (SELECT {row_hash} AS row_hash\n    FROM {write_source(table, layout, bound)}) d\n) x"
    )


def write_parts(table: Table, layout: Layout, bound: Bound | None, row_hash: str) -> str:
    """Rows and sum of hashes of each part of a slice."""
    return (
        "SELECT p.part, COUNT_BIG(*) AS row_count, SUM(CAST(x.row_hash AS decimal(38, 0))) AS [checksum]\n"
        f"FROM {write_slices(table, layout)}\nCROSS APPLY (\n"
        f"    SELECT {row_hash} AS row_hash\n    FROM {write_source(table, layout, bound)}\n) x\n"
        "CROSS APPLY (SELECT ABS(x.row_hash % :parts) AS part) p\nGROUP BY p.part"
    )


def write_hashes(table: Table, layout: Layout, bound: Bound | None, row_hash: str, *, in_parts: bool) -> str:
    """The hash of each row, with its slice."""
    hashed = (
        f"{write_slices(table, layout)}\nCROSS APPLY (\n"
        f"    SELECT {row_hash} AS row_hash\n    FROM {write_source(table, layout, bound)}\n) x"
    )
    if not in_parts:
        return f"SELECT s.slice, x.row_hash\nFROM {hashed}"
    rows = f"SELECT s.slice, x.row_hash, ABS(x.row_hash % :parts) AS wanted FROM {hashed}"
    return f"SELECT y.slice, y.row_hash\nFROM {write_wanted(':chosen', rows)}"


def write_wanted(numbers: str, rows: str) -> str:
    """Rows `y` whose `wanted` is one of some numbers; joined by hash, so that the numbers are read once."""
    return (
        f"(SELECT DISTINCT CAST(j.value AS bigint) AS wanted FROM OPENJSON({numbers}) j) w\n"
        f"INNER HASH JOIN ({rows}) y ON y.wanted = w.wanted"
    )


def read_hashes(rows: Rows) -> Entries:
    """Entries from rows of (slice, hash)."""
    found = np.array(rows.rows, np.int64).reshape(-1, 2)
    return make_entries(found[:, 0], found[:, 1])


def write_shown(column: Column) -> str:
    """The value as it is fetched: text where the driver's instants would lose the seventh digit."""
    value = write_value(column)
    if column.kind in TIMES and column.scale in (None, 7):
        return f"CONVERT(varchar(50), {value}, 121)"
    return value


def write_rows(table: Table, layout: Layout, bound: Bound | None, row_hash: str) -> str:
    """The rows of some hashes in some slices, key first."""
    numbered = list(enumerate(table.shown))
    values = ", ".join(f"{write_shown(column)} AS c{number}" for number, column in numbered)
    names = ", ".join(f"y.c{number} AS {quote(column.name)}" for number, column in numbered)
    rows = (
        f"SELECT x.* FROM {write_slices(table, layout)}\nCROSS APPLY (\n"
        f"    SELECT {row_hash} AS wanted, {values}\n    FROM {write_source(table, layout, bound)}\n) x"
    )
    return f"SELECT {names}\nFROM {write_wanted(':hashes', rows)}"


def read_rows(table: Table, rows: Rows) -> list[tuple[Any, ...]]:
    """Rows of `write_rows`, as they are: no value of this engine differs from itself."""
    del table
    return list(rows.rows)


def choose_rows(entries: Entries) -> dict[str, list[int]]:
    """Hashes, and the slices that they are in: the place of a row is its slice."""
    return {"slices": np.unique(entries["place"]).tolist(), "hashes": entries["hash"].tolist()}
