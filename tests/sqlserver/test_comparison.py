"""The table comparison on a SQL Server: what differs in the tables of a schema of its own, in both stand-ins."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

import pytest

from nonreg.clients.result_sets import run_batch
from nonreg.comparison import compare, mssql
from nonreg.comparison.differences import Kind
from nonreg.comparison.run import Comparison, Options, Place, compare_table
from nonreg.comparison.slices import Bound
from nonreg.errors import RequestFailed
from nonreg.sandbox.mssql.install import DATABASE, READER
from nonreg.sandbox.mssql.replication import PASSIVE_DATABASE, PASSIVE_READER
from tests.sqlserver.pair import ACTIVE, PASSIVE, StandIn

pytestmark = pytest.mark.sqlserver
SCHEMA = "essai_comparaison"
SIDES = ((DATABASE, READER), (PASSIVE_DATABASE, PASSIVE_READER))
DROP = (
    f"DECLARE @drop nvarchar(max) = N''; SELECT @drop = @drop + N'DROP TABLE {SCHEMA}.' + QUOTENAME(t.name) + N';' "
    f"FROM sys.tables t WHERE t.schema_id = SCHEMA_ID(N'{SCHEMA}'); EXEC (@drop)"
)
NUMBERS = (
    "(SELECT TOP (12000) ROW_NUMBER() OVER (ORDER BY (SELECT 1)) AS n "
    "FROM sys.all_columns a CROSS JOIN sys.all_columns b)"
)
MEASURES = (
    f"CREATE TABLE {SCHEMA}.mesure (cap_id int NOT NULL, chr_id int NOT NULL, valeur decimal(12,3), "
    "etat varchar(10) COLLATE French_CI_AS NOT NULL, PRIMARY KEY (cap_id, chr_id))",
    f"INSERT INTO {SCHEMA}.mesure SELECT g.n, g.n % 7, g.n / 8.0, 'OK' FROM {NUMBERS} g",
)


class Both:
    """The schema in both databases."""

    def __init__(self, stand_in: StandIn) -> None:
        self._stand_in = stand_in
        platform = stand_in.platform
        self._places = [Place(platform, platform.site(role)) for role in (ACTIVE, PASSIVE)]

    def act(self, side: int, *statements: str) -> None:
        """Statements of the administrator's in one database."""
        for statement in (f"USE {SIDES[side][0]}", *statements):
            run_batch(self._stand_in.connection, statement)

    def make(self, *statements: str) -> None:
        """The same on both, in place of what was there."""
        for side in range(2):
            self.act(side, DROP, *statements)

    def look(self, table: str = "mesure", options: Options = Options()) -> Comparison:  # noqa: B008
        """Compare one table of the schema."""
        return compare_table(*self._places, f"{SCHEMA}.{table}", options)


@pytest.fixture(scope="module")
def schema(stand_in: StandIn) -> Iterator[Both]:
    both = Both(stand_in)
    remove = (DROP, f"DROP SCHEMA IF EXISTS {SCHEMA}")
    for side, (_, reader) in enumerate(SIDES):
        both.act(side, *remove, f"CREATE SCHEMA {SCHEMA}", f"GRANT SELECT ON SCHEMA::{SCHEMA} TO {reader}")
    yield both
    for side in range(2):
        both.act(side, *remove)


@pytest.fixture
def measures(schema: Both) -> Both:
    """12 000 measures, in two slices, to be changed."""
    schema.make(*MEASURES)
    return schema


def name_differences(found: Comparison) -> list[tuple[tuple[object, ...], Kind]]:
    return [(one.key, one.kind) for one in found.differences]


def test_equal_tables_are_equal_in_slices_and_no_row_is_fetched(measures: Both) -> None:
    found = measures.look()
    assert found.is_equal
    assert (found.left_rows, found.right_rows) == (12_000, 12_000)
    assert any("BETWEEN s.first_key" in request for request in found.requests)
    assert not any(request.splitlines()[0].endswith("lignes") for request in found.requests)


def test_a_changed_a_missing_and_an_extra_row_are_named_below_and_above_the_other_sides_keys(
    measures: Both,
) -> None:
    measures.act(
        1,
        f"UPDATE {SCHEMA}.mesure SET valeur = -1.5 WHERE cap_id = 9000",
        f"DELETE FROM {SCHEMA}.mesure WHERE cap_id = 17",
        f"INSERT INTO {SCHEMA}.mesure VALUES (-2147483648, 1, 1.5, 'OK'), (2147483647, 1, NULL, 'OK')",
    )
    found = measures.look()
    assert name_differences(found) == [
        ((-2147483648, 1), Kind.EXTRA),
        ((17, 3), Kind.MISSING),
        ((9000, 5), Kind.CHANGED),
        ((2147483647, 1), Kind.EXTRA),
    ]
    assert found.differences[2].left == (9000, 5, Decimal("1125.000"), "OK")
    assert found.differences[2].right == (9000, 5, Decimal("-1.500"), "OK")


SUBTLE = {
    "two values exchanged": ("valeur = CASE cap_id WHEN 8 THEN 2 ELSE 1 END", 2),
    "a sign": ("valeur = -valeur", 2),
    "NULL": ("valeur = NULL", 2),
    "a trailing blank": ("etat = 'OK '", 2),
    "case": ("etat = 'Ok'", 2),
    "the same at another scale": ("valeur = CAST(valeur AS float)", 0),
}


@pytest.mark.parametrize(("change", "count"), SUBTLE.values(), ids=SUBTLE)
def test_what_a_careless_checksum_misses_is_found(measures: Both, change: str, count: int) -> None:
    measures.act(1, f"UPDATE {SCHEMA}.mesure SET {change} WHERE cap_id IN (8, 16)")
    assert [one.kind for one in measures.look().differences] == [Kind.CHANGED] * count


def test_null_is_not_zero(measures: Both) -> None:
    for side, value in enumerate(("NULL", "0")):
        measures.act(side, f"UPDATE {SCHEMA}.mesure SET valeur = {value} WHERE cap_id = 8")
    assert name_differences(measures.look()) == [((8, 1), Kind.CHANGED)]


def test_rows_beyond_the_bound_are_not_compared(measures: Both) -> None:
    measures.act(1, f"UPDATE {SCHEMA}.mesure SET valeur = 3 WHERE chr_id > 4")
    assert measures.look(options=Options(bound=Bound("chr_id", 4))).is_equal
    assert not measures.look(options=Options(bound=Bound("chr_id", 5))).is_equal


# (type, values that all differ): each is found to be another one than the next.
VALUES = {
    "tinyint": ("NULL", "0", "255"),
    "smallint": ("NULL", "-1", "1"),
    "int": ("NULL", "0", "-2147483648", "2147483647"),
    "bigint": ("NULL", "0", "4294967296", "-9223372036854775808", "9223372036854775807"),
    "decimal(38,10)": ("NULL", "0", "1.5", "-1.5", "1234567890123456789012345678.0123456789"),
    "money": ("NULL", "0", "0.0001", "-922337203685477.5808"),
    "smallmoney": ("NULL", "0", "-0.0001"),
    "real": ("NULL", "0", "0.1", "-0.1"),
    "float": ("NULL", "0", "0.1e0", "0.10000000000000002e0", "-1e308"),
    "bit": ("NULL", "0", "1"),
    "varchar(5)": ("NULL", "''", "'a'", "'A'", "'a '", "'à'"),
    "nvarchar(max)": (
        "NULL",
        "N''",
        "N'a'",
        "N'a '",
        "N'é'",
        "N'e'",
        "REPLICATE(CAST(N'z' AS nvarchar(max)), 9000)",
    ),
    "char(3)": ("NULL", "''", "'a'", "'A'"),
    "uniqueidentifier": ("NULL", "0x00", "0x01"),
    "date": ("NULL", "'0001-01-01'", "'9999-12-31'"),
    "time(7)": ("NULL", "'00:00'", "'23:59:59.9999999'", "'23:59:59.9999998'"),
    "datetime": ("NULL", "'1753-01-01'", "'2026-01-01T00:00:00.003'", "'2026-01-01T00:00:00.007'"),
    "datetime2(7)": (
        "NULL",
        "'0001-01-01'",
        "'9999-12-31 23:59:59.9999999'",
        "'9999-12-31 23:59:59.9999998'",
    ),
    "smalldatetime": ("NULL", "'20260101 00:00'", "'20260101 00:01'"),
    "datetimeoffset(3)": ("NULL", "'2026-10-25 02:30 +01:00'", "'2026-10-25 02:30 +02:00'"),
    "varbinary(max)": ("NULL", "0x", "0x00", "0x0000"),
    "binary(3)": ("NULL", "0x00", "0x01"),
}


@pytest.mark.parametrize("type_name", VALUES)
def test_each_value_of_a_type_equals_itself_and_no_other(schema: Both, type_name: str) -> None:
    values = VALUES[type_name]
    create = f"CREATE TABLE {SCHEMA}.valeur (id int PRIMARY KEY, v {type_name})"
    for shift in range(len(values)):
        for side in range(2):
            given = values[side * shift :] + values[: side * shift]
            listed = ", ".join(f"({n}, CAST({value} AS {type_name}))" for n, value in enumerate(given))
            schema.act(side, DROP, create, f"INSERT INTO {SCHEMA}.valeur VALUES {listed}")
        assert len(schema.look("valeur").differences) == (len(values) if shift else 0)


def test_a_table_of_every_type_is_equal_to_its_copy(schema: Both) -> None:
    """Every value of every type in one row after the other, the key behind."""
    columns = ", ".join(f"c{number} {type_name}" for number, type_name in enumerate(VALUES))
    insert = [
        f"INSERT INTO {SCHEMA}.tout VALUES ("
        + ", ".join(f"CAST({values[row % len(values)]} AS {one})" for one, values in VALUES.items())
        + f", 'x{row}')"
        for row in range(4)
    ]
    schema.make(f"CREATE TABLE {SCHEMA}.tout ({columns}, k varchar(9) PRIMARY KEY)", *insert)
    assert schema.look("tout").is_equal
    schema.act(1, f"UPDATE {SCHEMA}.tout SET c20 = 0x01 WHERE k = 'x2'")
    assert name_differences(schema.look("tout")) == [(("x2",), Kind.CHANGED)]


EQUAL = {
    "minus zero": ("float", "0e0", "float", "-0e0"),
    "blanks that fill": ("char(3)", "'a'", "char(5)", "'a'"),
    "a datetime": ("datetime", "'2026-01-01T00:00:00.003'", "datetime2(3)", "'2026-01-01T00:00:00.003'"),
    "money": ("money", "1.5", "decimal(19,4)", "1.5"),
    "wider": ("int", "7", "bigint", "7"),
    "Unicode": ("varchar(9)", "'é'", "nvarchar(9)", "N'é'"),
    "one instant": (
        "datetimeoffset(0)",
        "'2026-10-25 02:30 +01:00'",
        "datetimeoffset(0)",
        "'2026-10-25 01:30 +00:00'",
    ),
    "NOT NULL on one side": ("int NOT NULL", "7", "int", "7"),
}


@pytest.mark.parametrize(("left_type", "left", "right_type", "right"), EQUAL.values(), ids=EQUAL)
def test_values_that_the_rules_call_equal_are(
    schema: Both, left_type: str, left: str, right_type: str, right: str
) -> None:
    for side, (type_name, value) in enumerate(((left_type, left), (right_type, right))):
        schema.act(
            side,
            DROP,
            f"CREATE TABLE {SCHEMA}.valeur (id int PRIMARY KEY, v {type_name})",
            f"INSERT INTO {SCHEMA}.valeur VALUES (1, {value})",
        )
    assert schema.look("valeur").is_equal


def test_a_bound_on_a_datetime_takes_the_row_that_is_exactly_there(schema: Both) -> None:
    for side, type_name in enumerate(("datetime", "datetime2(3)")):
        schema.act(
            side,
            DROP,
            f"CREATE TABLE {SCHEMA}.valeur (id int PRIMARY KEY, v {type_name})",
            f"INSERT INTO {SCHEMA}.valeur VALUES (1, '2026-01-01T00:00:00.003'), (2, '2026-01-02T00:00:00')",
        )
    for upto in (datetime(2026, 1, 1, 0, 0, 0, 3000), "2026-01-01 00:00:00.003000"):
        found = schema.look("valeur", Options(bound=Bound("v", upto)))
        assert (found.is_equal, found.left_rows) == (True, 1)


def test_a_key_that_is_a_text_is_one_slice_and_hashed_in_parts_when_it_is_large(
    schema: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    schema.make(
        f"CREATE TABLE {SCHEMA}.texte (k varchar(9) PRIMARY KEY, v int)",
        f"INSERT INTO {SCHEMA}.texte SELECT CAST(g.n AS varchar(9)), g.n FROM {NUMBERS} g",
    )
    schema.act(1, f"UPDATE {SCHEMA}.texte SET v = 0 WHERE k IN ('7', '11999')")
    monkeypatch.setattr(compare, "HASHED_ROWS", 900)
    monkeypatch.setattr(compare, "PART_ROWS", 100)
    found = schema.look("texte")
    assert name_differences(found) == [(("11999",), Kind.CHANGED), (("7",), Kind.CHANGED)]
    assert any("GROUP BY p.part" in request for request in found.requests)


def test_the_largest_span_of_a_bigint_key_is_cut_without_overflow(schema: Both) -> None:
    keys = "(-9223372036854775808, 1), (9223372036854775807, 2), (0, 3)"
    schema.make(
        f"CREATE TABLE {SCHEMA}.large (k bigint PRIMARY KEY, v int)",
        f"INSERT INTO {SCHEMA}.large VALUES {keys}",
        f"INSERT INTO {SCHEMA}.large SELECT g.n, 4 FROM {NUMBERS} g",
    )
    assert 12_003 // mssql.ROWS > 1
    schema.act(1, f"UPDATE {SCHEMA}.large SET v = 0 WHERE k IN (9223372036854775807, -9223372036854775808)")
    found = schema.look("large")
    assert [key[0] for key, _ in name_differences(found)] == [-(2**63), 2**63 - 1]
    assert found.left_rows == 12_003


REFUSED = {
    "without a key": (f"CREATE TABLE {SCHEMA}.t (a int)", "ni clé primaire ni index unique"),
    "a type": (f"CREATE TABLE {SCHEMA}.t (a int PRIMARY KEY, x xml)", "sûrement : xml."),
    "a type of the CLR": (
        f"CREATE TABLE {SCHEMA}.t (a int PRIMARY KEY, h hierarchyid)",
        "sûrement : hierarchyid.",
    ),
    "a masked column": (
        f"CREATE TABLE {SCHEMA}.t (a int PRIMARY KEY, m varchar(9) MASKED WITH (FUNCTION = 'default()'))",
        "varchar masqué pour ce compte.",
    ),
    "not there": ("SELECT 1 AS a", "n'existe pas"),
}


@pytest.mark.parametrize(("create", "words"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_compared_is_told_in_a_sentence(schema: Both, create: str, words: str) -> None:
    schema.make(create)
    with pytest.raises(RequestFailed) as refused:
        schema.look("t")
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)
