"""SQL Server's form of the table comparison without a server: slices, encoding of a row, hashes, names, statements.

Its statements are also read by Microsoft's parser (tests/tsql) and run by a server (tests/sqlserver).
"""

from __future__ import annotations

import functools
import struct
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import sqlglot
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlglot import exp

from nonreg.clients.sql import Rows
from nonreg.comparison import mssql
from nonreg.comparison.compare import HASHED_ROWS
from nonreg.comparison.slices import Bound, Extent, Layout
from nonreg.comparison.table import Column, Kind, Name, Table, match_tables
from tests.tsql.comparisons import TABLES, make_table, write_statements
from tests.tsql.texts import compile_query

ENDS = {Kind.INTEGER: (-(2**31), 2**31 - 1), Kind.BIG_INTEGER: (-(2**63), 2**63 - 1)}


# Slices


@dataclass(frozen=True, slots=True)
class Number:
    """A value and its type on the server: int, bigint or decimal, each with what it has room for."""

    value: int
    type_name: str

    def __post_init__(self) -> None:
        low, high = {"int": ENDS[Kind.INTEGER], "bigint": ENDS[Kind.BIG_INTEGER]}.get(
            self.type_name, (1 - 10**38, 10**38 - 1)
        )
        if not low <= self.value <= high:
            raise OverflowError(f"{self.value} in {self.type_name}")


WIDTHS = ("int", "bigint", "decimal")
OPERATIONS: dict[type[exp.Expression], Callable[[int, int], int]] = {
    exp.Add: lambda left, right: left + right,
    exp.Sub: lambda left, right: left - right,
    exp.Mul: lambda left, right: left * right,
}


def work_out(node: Any, number: int) -> Number:
    """What the server makes of an expression for the slice of this number, each step in its own type."""
    if isinstance(node, exp.Paren | exp.Alias):
        return work_out(node.this, number)
    if isinstance(node, exp.Column):
        return Number(number, "bigint")
    if isinstance(node, exp.Literal):
        value = int(node.this)
        return Number(value, "int" if value < 2**31 else "decimal")
    if isinstance(node, exp.Neg):
        found = work_out(node.this, number)
        return Number(-found.value, found.type_name)
    if isinstance(node, exp.Cast):
        type_name = node.to.this.value.lower()
        assert type_name in WIDTHS
        return Number(work_out(node.this, number).value, type_name)
    if isinstance(node, exp.Case):
        (branch,) = node.args["ifs"]
        is_this = work_out(node.this, number).value == work_out(branch.this, number).value
        return work_out(branch.args["true"] if is_this else node.args["default"], number)
    left, right = (work_out(one, number) for one in (node.this, node.expression))
    wider = max(left.type_name, right.type_name, key=WIDTHS.index)
    return Number(OPERATIONS[type(node)](left.value, right.value), wider)


@functools.cache
def parse_slices(kind: Kind, layout: Layout) -> dict[str, Any]:
    """The expressions of the slices' list, by name."""
    tree = sqlglot.parse_one("SELECT * FROM " + mssql.write_slices(make_table(kind, ()), layout), read="tsql")
    inner = tree.find(exp.Subquery)
    assert inner is not None
    return {one.alias: one.this for one in inner.this.expressions}


def find_slices(kind: Kind, layout: Layout, key: int) -> list[int]:
    """Numbers of the slices that hold a key, of those near to where it should be and of both ends."""
    near = (key - layout.first) // layout.width
    numbers = {0, 1, layout.count - 2, layout.count - 1, *range(near - 1, near + 2)}
    parsed = parse_slices(kind, layout)
    return [
        number
        for number in sorted(numbers & set(range(layout.count)))
        if work_out(parsed["first_key"], number).value <= key <= work_out(parsed["last_key"], number).value
    ]


@st.composite
def extents(draw: st.DrawFn) -> tuple[Kind, list[Extent], list[int]]:
    """Two sides of one table, and keys that may have come since: of the whole type, its ends included."""
    kind = draw(st.sampled_from(list(ENDS)))
    low, high = ENDS[kind]
    keys = st.one_of(
        st.integers(low, high), st.integers(-9, 9), st.integers(low, low + 9), st.integers(high - 9, high)
    )
    sides = []
    for _ in range(2):
        first, last = sorted(draw(st.tuples(keys, keys)))
        sides.append(Extent(first, last, draw(st.integers(0, 10**10)), 0))
    return kind, sides, draw(st.lists(keys, min_size=1, max_size=5))


@settings(max_examples=100)
@given(extents())
@example((Kind.BIG_INTEGER, [Extent(-(2**63), 2**63 - 1, 10_000, 0)] * 2, [0, 2**63 - 1, -(2**63)]))
@example((Kind.BIG_INTEGER, [Extent(-(2**63), 2**63 - 1, 10**9, 0)] * 2, [0, 2**63 - 1, -(2**63)]))
@example((Kind.INTEGER, [Extent(-(2**31), 2**31 - 1, 10**9, 0)] * 2, [0, 2**31 - 1, -(2**31)]))
def test_every_key_of_the_type_lies_in_exactly_one_slice_and_nothing_overflows(case: Any) -> None:
    kind, sides, keys = case
    layout = mssql.lay_out(make_table(kind, ()), sides)
    assert 1 <= layout.count <= mssql.MOST_SLICES
    if layout.count == 1:
        assert "first_key" not in mssql.write_slices(make_table(kind, ()), layout)
        return
    borders = [layout.first + number * layout.width for number in (1, layout.count - 1)]
    for key in (*keys, *ENDS[kind], *borders, *(border - 1 for border in borders)):
        assert len(find_slices(kind, layout, key)) == 1, key


def test_the_first_and_the_last_slice_are_open() -> None:
    layout = mssql.lay_out(make_table(Kind.INTEGER, ()), [Extent(-500, 99_499, 100_000, 0)])
    assert (layout.first, layout.count) == (-500, 20)
    assert [find_slices(Kind.INTEGER, layout, key) for key in (-(2**31), -500, 4_499, 4_500, 2**31 - 1)] == [
        [0],
        [0],
        [0],
        [1],
        [19],
    ]


@pytest.mark.parametrize(
    ("kind", "extent"),
    [
        (Kind.INTEGER, Extent(0, 0, 0, 0)),  # empty
        (Kind.INTEGER, Extent(-7, -7, 1, 0)),  # one row
        (Kind.INTEGER, Extent(-7, -7, 10**9, 0)),  # one key, in many rows of a wider key
        (Kind.TEXT, Extent(0, 0, 10**9, 0)),
        (Kind.UUID, Extent(0, 0, 10**9, 0)),
    ],
)
def test_what_cannot_be_cut_is_one_slice(kind: Kind, extent: Extent) -> None:
    assert mssql.lay_out(make_table(kind, ()), [extent, extent]) == Layout(0, 1, 1)


def test_both_sides_are_cut_alike_by_the_one_that_reaches_further() -> None:
    table = make_table(Kind.INTEGER, ())
    one, other = Extent(-9, 50_000, 50_000, 0), Extent(1, 60_000, 60_000, 0)
    layout = mssql.lay_out(table, [one, other])
    assert layout == mssql.lay_out(table, [other, one])
    assert (layout.first, layout.count) == (-9, 12)


def test_a_table_that_is_not_cut_is_not_read_to_say_where_its_rows_are() -> None:
    """Or its extent would be as many rows as the table has."""
    for title, table in TABLES.items():
        tree = sqlglot.parse_one(mssql.write_extent(table).replace("\\:", ":"), read="tsql")
        source = tree.args.get("from_")
        assert (source is not None) == mssql.is_cut(table), title
        assert len(list(tree.find_all(exp.Min, exp.Max))) == (2 if mssql.is_cut(table) else 0)


# The encoding: what is written for each kind, and the same bytes made, and read back, in Python.


def put_long(data: bytes) -> bytes:
    return len(data).to_bytes(8, "big") + data


def take_long(data: bytes) -> tuple[bytes, bytes]:
    end = 8 + int.from_bytes(data[:8], "big")
    return data[8:end], data[end:]


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind: its T-SQL for the column [c], the values that it holds, their bytes, and what these say."""

    column: Column
    written: str
    values: st.SearchStrategy[Any]
    encode: Callable[[Any], bytes]
    read: Callable[[bytes], tuple[Any, bytes]]


def long_rule(column: Column, value: str, values: st.SearchStrategy[Any], encode: Any, decode: Any) -> Rule:
    written = f"CAST(CAST(DATALENGTH({value}) AS bigint) AS binary(8)) + {value}"

    def read(data: bytes) -> tuple[Any, bytes]:
        found, rest = take_long(data)
        return decode(found), rest

    return Rule(column, written, values, lambda one: put_long(encode(one)), read)


def fixed_rule(column: Column, written: str, size: int, values: Any, encode: Any, decode: Any) -> Rule:
    return Rule(column, written, values, encode, lambda data: (decode(data[:size]), data[size:]))


def make_column(kind: Kind, scale: int | None = None) -> Column:
    return Column("c", kind, False, scale)


def text_rule(kind: Kind, value: str, scale: int | None, values: st.SearchStrategy[str]) -> Rule:
    written = f"CAST(CONVERT(varchar(50), {value}) AS varbinary(50))"
    return long_rule(make_column(kind, scale), written, values, str.encode, bytes.decode)


def whole_rule(kind: Kind) -> Rule:
    return fixed_rule(
        make_column(kind),
        "CAST(CAST(m.[c] AS bigint) AS binary(8))",
        8,
        st.integers(*ENDS[kind]),
        lambda value: value.to_bytes(8, "big", signed=True),
        lambda data: int.from_bytes(data, "big", signed=True),
    )


def characters_rule(kind: Kind, value: str) -> Rule:
    written = f"CAST(CAST({value} AS nvarchar(max)) AS varbinary(max))"
    texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=4)
    if kind is Kind.PADDED_TEXT:
        texts = texts.map(lambda text: text.rstrip(" "))
    return long_rule(
        make_column(kind),
        written,
        texts,
        lambda text: text.encode("utf-16-le"),
        lambda data: data.decode("utf-16-le"),
    )


INSTANTS = st.datetimes().map(lambda one: one.isoformat(" ", "milliseconds"))
RULES = [
    whole_rule(Kind.INTEGER),
    whole_rule(Kind.BIG_INTEGER),
    text_rule(
        Kind.DECIMAL,
        "CAST(m.[c] AS decimal(38, 2))",
        2,
        st.decimals(-(10**9), 10**9, places=2).map(lambda one: f"{one + 0:.2f}"),
    ),
    fixed_rule(
        make_column(Kind.FLOAT),
        "CAST(CASE WHEN m.[c] = 0 THEN 0e0 ELSE CAST(m.[c] AS float) END AS binary(8))",
        8,
        st.floats(allow_nan=False, allow_infinity=False).map(lambda one: one + 0.0),
        lambda value: struct.pack(">d", value),
        lambda data: struct.unpack(">d", data)[0],
    ),
    fixed_rule(
        make_column(Kind.BOOLEAN),
        "CAST(CAST(m.[c] AS bit) AS binary(1))",
        1,
        st.booleans(),
        lambda value: bytes([value]),
        lambda data: data == b"\1",
    ),
    characters_rule(Kind.TEXT, "m.[c]"),
    characters_rule(Kind.PADDED_TEXT, "RTRIM(m.[c])"),
    fixed_rule(
        make_column(Kind.UUID),
        "CAST(CAST(m.[c] AS uniqueidentifier) AS binary(16))",
        16,
        st.uuids().map(lambda one: one.bytes_le),
        bytes,
        bytes,
    ),
    fixed_rule(
        make_column(Kind.DATE),
        "CAST(CAST(m.[c] AS date) AS binary(3))",
        3,
        st.dates().map(lambda one: one.toordinal() - 1),
        lambda days: days.to_bytes(3, "little"),
        lambda data: int.from_bytes(data, "little"),
    ),
    text_rule(
        Kind.TIME, "CAST(m.[c] AS time(0)), 121", 0, st.times().map(lambda one: one.isoformat("seconds"))
    ),
    text_rule(Kind.INSTANT, "CAST(m.[c] AS datetime2(3)), 121", 3, INSTANTS),
    text_rule(Kind.ZONED_INSTANT, "CAST(SWITCHOFFSET(m.[c], 0) AS datetime2(3)), 121", 3, INSTANTS),
    long_rule(make_column(Kind.BYTES), "CAST(m.[c] AS varbinary(max))", st.binary(max_size=4), bytes, bytes),
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.column.kind.name)
def test_a_kind_is_written_as_its_rule_says(rule: Rule) -> None:
    assert mssql.write_column(rule.column) == rule.written
    nullable = Column("c", rule.column.kind, True, rule.column.scale)
    assert mssql.write_column(nullable) == f"CASE WHEN m.[c] IS NULL THEN 0x00 ELSE 0x01 + {rule.written} END"


def test_every_kind_has_its_rule() -> None:
    assert {rule.column.kind for rule in RULES} == set(Kind) == set(mssql.KINDS.values())


def encode_row(rules: list[tuple[Rule, bool]], row: list[Any]) -> bytes:
    """A row as HASHBYTES gets it."""
    pieces = []
    for (rule, nullable), value in zip(rules, row, strict=True):
        if nullable:
            pieces.append(b"\0" if value is None else b"\1")
        pieces.append(b"" if value is None else rule.encode(value))
    return b"".join(pieces)


def read_row(rules: list[tuple[Rule, bool]], data: bytes) -> list[Any]:
    """The one row that these bytes can come from."""
    row = []
    for rule, nullable in rules:
        value, mark = None, b"\1"
        if nullable:
            mark, data = data[:1], data[1:]
        if mark == b"\1":
            value, data = rule.read(data)
        row.append(value)
    assert data == b""
    return row


@st.composite
def rows_of_some_table(draw: st.DrawFn) -> tuple[list[tuple[Rule, bool]], list[Any]]:
    """Columns of any kinds, nullable or not, and a row of them."""
    rules = draw(st.lists(st.tuples(st.sampled_from(RULES), st.booleans()), min_size=1, max_size=6))
    return rules, [draw(st.none() | rule.values if nullable else rule.values) for rule, nullable in rules]


@settings(max_examples=300)
@given(rows_of_some_table())
def test_a_row_can_be_read_back_from_its_bytes_so_that_no_two_rows_share_them(case: Any) -> None:
    rules, row = case
    assert read_row(rules, encode_row(rules, row)) == row


@settings(max_examples=200)
@given(data=st.data(), places=st.integers(1, 4))
def test_texts_that_move_from_one_column_to_the_next_change_the_bytes(data: Any, places: int) -> None:
    """The bytes of two rows are compared, without reading anything back."""
    text = next(rule for rule in RULES if rule.column.kind is Kind.TEXT)
    rules = [(text, True)] * places
    values = st.lists(
        st.none() | st.text("\0\1a", max_size=2), min_size=places, max_size=places
    )  # marks and lengths in texts
    left, right = data.draw(values), data.draw(values)
    assert (encode_row(rules, left) == encode_row(rules, right)) == (left == right)


def test_the_hash_is_the_first_eight_bytes_of_the_digest_of_all_columns_key_first() -> None:
    table = Table(
        Name("a", "b"),
        (Column("v", Kind.DECIMAL, True, 1), Column("n", Kind.INTEGER, False)),
        ("n",),
    )
    assert mssql.write_hash(table.shown, portable=False) == (
        "CAST(SUBSTRING(HASHBYTES('SHA2_256', CAST(CAST(m.[n] AS bigint) AS binary(8))\n"
        f"        + {mssql.write_column(table.columns[0])}), 1, 8) AS bigint)"
    )
    assert mssql.write_hash(table.shown, portable=True) == mssql.write_hash(table.shown, portable=False)


def test_so_many_columns_that_they_could_pass_8000_bytes_are_joined_as_a_long_value() -> None:
    """`+` of short binaries cuts at 8000 without a word: what is behind would not be compared."""
    long = "HASHBYTES('SHA2_256', CAST(0x AS varbinary(max))\n"
    for rule in RULES:
        if "(max)" in rule.written:
            continue  # a long value already, and none before it is cut: that is what the count is for
        longest = 1 + 8 + 50 if "varbinary(50)" in rule.written else 1 + 16
        assert longest * mssql.MOST_SHORT <= 8000
    columns = TABLES["many"].shown
    assert long not in mssql.write_hash(columns[: mssql.MOST_SHORT], portable=False)
    assert long in mssql.write_hash(columns[: mssql.MOST_SHORT + 1], portable=False)


def test_a_column_that_may_be_null_on_one_side_only_is_hashed_alike_on_both() -> None:
    sides = [
        Table(Name("a", "b"), (Column("n", Kind.INTEGER, False), Column("v", Kind.TEXT, nullable)), ("n",))
        for nullable in (False, True)
    ]
    for left, right in (sides, reversed(sides)):
        matched = match_tables(left, right, ("SITE-A", "SITE-B"))
        assert matched.columns[1].is_nullable
        assert "m.[v] IS NULL" in mssql.write_hash(matched.shown, portable=False)


def test_a_datetime_is_compared_with_a_datetime2_at_its_three_digits_under_the_bound_too() -> None:
    sides = [
        Table(
            Name("a", "b"), (Column("n", Kind.INTEGER, False), Column("i", Kind.INSTANT, True, scale)), ("n",)
        )
        for scale in (3, 7)
    ]
    table = match_tables(sides[0], sides[1], ("SITE-A", "SITE-B"))
    value = "CAST(m.[i] AS datetime2(3))"
    source = mssql.write_source(table, Layout(0, 1, 1), Bound("i", "2026-01-01"))
    assert source.endswith(f"WHERE {value} <= CAST(:upto AS datetime2(7))")
    assert value in mssql.write_hash(table.shown, portable=False)
    assert mssql.write_shown(table.columns[1]) == value


@pytest.mark.parametrize("kind", [Kind.TIME, Kind.INSTANT, Kind.ZONED_INSTANT])
@pytest.mark.parametrize("scale", [7, None])
def test_seven_digits_of_a_second_are_fetched_as_text(kind: Kind, scale: int | None) -> None:
    """Python has six: two keys would become one, and a row would show no difference."""
    column = Column("i", kind, False, scale)
    assert mssql.write_shown(column) == f"CONVERT(varchar(50), {mssql.write_value(column)}, 121)"


# What comes back


def answer(*rows: tuple[Any, ...]) -> Rows:
    return Rows(("slice", "row_hash"), rows, "")


@given(st.lists(st.tuples(st.integers(0, mssql.MOST_SLICES), st.integers(-(2**63), 2**63 - 1)), max_size=9))
def test_hashes_are_read_exactly_with_their_slices(rows: list[tuple[int, int]]) -> None:
    entries = mssql.read_hashes(answer(*rows))
    assert list(zip(entries["place"].tolist(), entries["hash"].tolist(), strict=True)) == rows


def test_the_hashes_of_one_request_take_no_more_than_their_share_of_the_memory() -> None:
    """A fifth of the rows; both sides at once, of the 200 megabytes that a comparison may take."""
    count = HASHED_ROWS // 5
    tracemalloc.start()
    try:
        rows = answer(*((100_000 + n % 7, 2**62 + n) for n in range(count)))
        entries = mssql.read_hashes(rows)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(np.unique(entries["hash"])) == count
    assert 5 * peak < 60e6


def test_a_sum_of_hashes_has_room_for_any_table() -> None:
    """decimal(38): 10 000 billion rows that all have the largest hash."""
    assert 10**13 * 2**63 < 10**38
    assert Fraction(Decimal(2**63 * 10**13)) == 2**63 * 10**13


# Names and statements


@pytest.mark.parametrize(
    "name", ["a", "a]b", "]]", "c:d e", "::x", ":", "a\\:b", "?", "'--", "/*", "[", "é", "a:1:b"]
)
def test_a_name_reaches_the_server_as_it_is_and_in_brackets(name: str) -> None:
    assert compile_query(f"SELECT {mssql.quote(name)}") == f"SELECT [{name.replace(']', ']]')}]"


STATEMENTS = {label: one for label, one in write_statements() if not label.startswith("many")}


@pytest.mark.parametrize("label", STATEMENTS)
def test_a_statement_asks_for_its_columns_and_binds_only_what_it_is_given(label: str) -> None:
    tree = sqlglot.parse_one(STATEMENTS[label].replace("\\:", ":"), read="tsql")
    asked = tuple(tree.named_selects)
    bound = {one.name for one in tree.find_all(exp.Placeholder)}
    last = label.split(" ", 2)[-1]
    columns = {
        "extent": ("first_position", "last_position", "row_count", "hash_version"),
        "sums": ("slice", "row_count", "checksum"),
        "count": ("slice", "row_count", "checksum"),
        "parts": ("part", "row_count", "checksum"),
        "hashes": ("slice", "row_hash"),
        "hashes of parts": ("slice", "row_hash"),
    }
    parameters = {
        "parts": {"slices", "parts"},
        "hashes of parts": {"slices", "parts", "chosen"},
        "rows": {"slices", "hashes"},
    }
    if label.startswith("mark of"):
        assert (asked, bound) == (("mark",), set())
    elif label.startswith("sums up to"):
        assert (asked, bound) == (columns["sums"], {"slices", "upto"})
    elif label.endswith("extent"):
        assert (asked, bound) == (columns["extent"], {"schema_name", "table_name"})
    else:
        last = label.removeprefix("bound ") if label.startswith("bound ") else last
        title = "int" if label.startswith("bound ") else label.split(" ")[0]
        expected = columns.get(last, tuple(column.name for column in TABLES[title].shown))
        more = {"upto"} if label.startswith("bound ") else set()
        assert (asked, bound) == (expected, parameters.get(last, {"slices"}) | more)
