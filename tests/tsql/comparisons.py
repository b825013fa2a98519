"""What the table comparison asks SQL Server: every statement, for tables of every sort."""

from __future__ import annotations

from collections.abc import Iterator

from nonreg.comparison import mssql
from nonreg.comparison.slices import Bound, Extent, Layout
from nonreg.comparison.table import Column, Kind, Name, Table

SCALES = {
    Kind.DECIMAL: (0, 3, 38),
    Kind.TIME: (0, 7, None),
    Kind.INSTANT: (0, 3, 7),
    Kind.ZONED_INSTANT: (2,),
}


def list_columns(*, nullable: bool) -> tuple[Column, ...]:
    """A column of every kind, at several scales."""
    return tuple(
        Column(f"{kind.name.lower()} {scale}", kind, nullable, scale)
        for kind in Kind
        for scale in SCALES.get(kind, (None,))
    )


def make_table(key: Kind, others: tuple[Column, ...], name: Name = Name("prod", "mesure")) -> Table:  # noqa: B008
    """A table with a key of one column."""
    return Table(name, (Column("clé", key, False), *others), ("clé",))


ODD = (
    Column("a]b", Kind.TEXT, True),
    Column("c:d e", Kind.INSTANT, True, 3),
    Column("'?--", Kind.FLOAT, False),
)
MANY = tuple(Column(f"c{number}", Kind.DECIMAL, True, 2) for number in range(140))
TABLES = {
    "int": make_table(Kind.INTEGER, list_columns(nullable=True)),
    "bigint": make_table(Kind.BIG_INTEGER, list_columns(nullable=False)),
    "text": make_table(Kind.TEXT, list_columns(nullable=True)),
    "odd": Table(Name("s]:x", "t :[y"), (Column("n", Kind.INTEGER, False), *ODD), ("c:d e", "a]b")),
    "many": make_table(Kind.BIG_INTEGER, MANY),
}


def list_layouts(table: Table) -> dict[str, Layout]:
    """One slice, and as many as there can be between the ends of the key's type."""
    low = mssql.LOWEST.get(table.shown[0].kind, 0)
    found = {"one": Layout(0, 1, 1)}
    if mssql.is_cut(table):
        found["many"] = mssql.lay_out(table, [Extent(low, -low - 1, 10**9, 0)])
    return found


def write_statements() -> Iterator[tuple[str, str]]:
    """Each statement with its `:name` parameters, by what it is of."""
    for title, table in TABLES.items():
        yield f"{title} extent", mssql.write_extent(table)
        for cut, layout in list_layouts(table).items():
            for name, statement in write_each(table, layout, None).items():
                yield f"{title} {cut} {name}", statement
    table, layout = TABLES["int"], list_layouts(TABLES["int"])["many"]
    for column in {column.kind: column for column in table.columns}.values():
        yield f"mark of {column.name}", mssql.write_mark(table, column.name)
        bound = Bound(column.name, 1)
        yield f"sums up to {column.name}", mssql.write_sums(table, layout, bound, "0")
    for name, statement in write_each(table, layout, Bound("instant 3", 1)).items():
        yield f"bound {name}", statement


def write_each(table: Table, layout: Layout, bound: Bound | None) -> dict[str, str]:
    """Every statement about rows."""
    row_hash = mssql.write_hash(table.shown, portable=False)
    return {
        "sums": mssql.write_sums(table, layout, bound, row_hash),
        "count": mssql.write_sums(table, layout, bound, "0"),
        "parts": mssql.write_parts(table, layout, bound, row_hash),
        "hashes": mssql.write_hashes(table, layout, bound, row_hash, in_parts=False),
        "hashes of parts": mssql.write_hashes(table, layout, bound, row_hash, in_parts=True),
        "rows": mssql.write_rows(table, layout, bound, row_hash),
    }
