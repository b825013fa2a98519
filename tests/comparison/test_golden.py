"""A golden file against a table: what is recorded is equal, what changed since is named, NULL is not « NULL »."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nonreg.comparison.compare import Comparison, Options
from nonreg.comparison.differences import Kind
from nonreg.comparison.golden import compare_golden, record_golden
from nonreg.comparison.slices import Bound
from nonreg.errors import ConfigError
from nonreg.sqlfiles.golden import Golden, read_golden
from tests.pair import Pair, start_pair

TABLE = "essai.jeu"
CREATE = (
    "CREATE TABLE essai.jeu (n integer NOT NULL, d numeric(9,3), t text, c char(4), b boolean, f float8, "
    "i timestamp, u uuid, o bytea, code char(3) PRIMARY KEY)"
)
FILL = r"""
INSERT INTO essai.jeu VALUES
    (1, 1.5, 'a|b\c', 'x', true, 0.1, '2026-10-25 02:30:00.5', '00000000-0000-0000-0000-000000000001', '\x00ff', 'A'),
    (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'B'),
    (3, -1.5, 'NULL', '', false, 'NaN', 'infinity', NULL, '', 'C')
"""


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with start_pair(tmp_path_factory.mktemp("paire")) as found:
        yield found


@pytest.fixture
def table(pair: Pair) -> Pair:
    pair.on_both("DROP TABLE IF EXISTS essai.jeu", CREATE, FILL)
    return pair


def record(pair: Pair, *columns: str) -> Golden:
    return read_golden(record_golden(pair.places[0], TABLE, columns, Options()))


def look(pair: Pair, golden: Golden, side: int = 0) -> Comparison:
    return compare_golden(pair.places[side], TABLE, golden)


def change(pair: Pair, statement: str) -> None:
    with pair.connect(0) as connection:
        connection.execute(statement)  # type: ignore[call-overload]


def test_what_was_recorded_is_equal_there_and_on_the_other_server(table: Pair) -> None:
    golden = record(table)
    assert len(golden.rows) == 3
    for side in range(2):
        found = look(table, golden, side)
        assert found.is_equal
        assert (found.left_rows, found.right_rows) == (3, 3)
        assert found.places[0] == "le jeu de référence"


def test_rows_missing_in_excess_and_changed_are_named(table: Pair) -> None:
    golden = record(table, "code", "n", "t")
    change(table, "DELETE FROM essai.jeu WHERE code = 'A'")
    change(table, "UPDATE essai.jeu SET t = NULL WHERE code = 'C'")
    change(table, "INSERT INTO essai.jeu (n, code) VALUES (9, 'D')")
    change(table, "UPDATE essai.jeu SET d = 77 WHERE code = 'B'")  # not one of the golden columns
    found = look(table, golden)
    assert [(one.key, one.kind, one.left, one.right) for one in found.differences] == [
        (("A",), Kind.MISSING, ("A", "1", "a|b\\c"), None),
        (("C",), Kind.CHANGED, ("C", "3", "NULL"), ("C", "3", None)),
        (("D",), Kind.EXTRA, None, ("D", "9", None)),
    ]


def test_a_number_or_a_padded_text_that_a_person_wrote_is_read_as_the_table_writes_it(table: Pair) -> None:
    golden = read_golden("code;d;c\nA  ;1.5;x\nB;NULL;NULL\nC;-1.50;\n")
    assert look(table, golden).is_equal


def test_a_bound_holds_for_a_golden_file_too(table: Pair) -> None:
    bounded = Options(bound=Bound("n", "2"))
    golden = read_golden(record_golden(table.places[0], TABLE, ("code", "n"), bounded))
    assert len(golden.rows) == 2
    assert compare_golden(table.places[0], TABLE, golden, bounded).is_equal
    change(table, "UPDATE essai.jeu SET n = 0 WHERE n = 3")
    assert not compare_golden(table.places[0], TABLE, golden, bounded).is_equal
    with pytest.raises(ConfigError, match="n'est pas une colonne du jeu"):
        compare_golden(table.places[0], TABLE, golden, Options(bound=Bound("d", 1)))


WRONG = {
    "a column that is not there": ("code;absente\nA;1\n", "n'a pas de colonne « absente »"),
    "a key that is not there": ("n;t\n1;a\n", "la colonne « code » de sa clé manque"),
    "a key that is there twice": ("code;n\nA;1\nA;2\n", "1 ligne de trop pour une même clé"),
}


@pytest.mark.parametrize(("text", "words"), WRONG.values(), ids=WRONG)
def test_a_golden_file_of_another_table_is_refused(table: Pair, text: str, words: str) -> None:
    with pytest.raises(ConfigError, match=r"Jeu de référence de essai\.jeu") as refused:
        look(table, read_golden(text))
    assert words in str(refused.value)


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.dictionaries(
        st.sampled_from(["a", "|", "\\", "é", "'"]),
        st.tuples(st.none() | TEXTS, st.none() | TEXTS),
        min_size=1,
    ),
    other=st.tuples(st.none() | TEXTS, st.none() | TEXTS),
)
def test_python_and_the_server_hash_any_text_alike_and_tell_any_two_apart(
    pair: Pair, rows: dict[str, Any], other: Any
) -> None:
    with pair.connect(0) as connection:
        connection.execute("DROP TABLE IF EXISTS essai.jeu")
        connection.execute("CREATE TABLE essai.jeu (k text PRIMARY KEY, a text, b text)")
        with connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO essai.jeu VALUES (%s, %s, %s)", [(k, *v) for k, v in rows.items()]
            )
        golden = Golden(("k", "a", "b"), tuple((key, *values) for key, values in rows.items()))
        assert look(pair, golden).is_equal
        key, values = next(iter(rows.items()))
        connection.execute("UPDATE essai.jeu SET a = %s, b = %s WHERE k = %s", (*other, key))
        assert look(pair, golden).is_equal is (values == other)
