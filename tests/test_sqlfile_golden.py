"""Golden files: what they hold, and what becomes of a table that is not theirs."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonreg.clients.result_sets import Batch, ResultSet
from nonreg.conclusion import conclude
from nonreg.errors import ConfigError
from nonreg.model import Criticality, Effect, Gap, Outcome, ScenarioResult
from nonreg.sqlfiles.golden import Golden, read_golden, write_golden
from nonreg.sqlfiles.header import Expectation, Header
from nonreg.sqlfiles.judge import judge, judge_thrown
from nonreg.sqlfiles.matching import compare_rows, is_same, pair_rows
from nonreg.sqlfiles.values import normalize, show_value
from nonreg.witness import Witness

TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=8) | st.sampled_from(
    ("NULL", "", "a;b", 'a"b', "a,b", " a ", "a\nb", "1", "01")
)
KINDS: tuple[st.SearchStrategy[Any], ...] = (
    TEXTS,
    st.integers(-(10**9), 10**9),
    st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**9), max_value=10**9),
    st.floats(allow_nan=True, allow_infinity=True, width=64),
    st.booleans(),
    st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2050, 1, 1)),
    st.dates(),
    st.times(),
    st.uuids(),
    st.uuids().map(lambda one: str(one).upper()),
    st.binary(max_size=6),
)
NAMES = st.lists(
    st.from_regex(r"[a-zà-ÿ_][a-z0-9_ ;,]{0,6}[a-z0-9_]", fullmatch=True),
    min_size=1,
    max_size=4,
    unique_by=str.lower,
)


def make_header(**values: Any) -> Header:
    return Header(
        "BASE-210",
        "Essai",
        Criticality.MAJEURE,
        Effect.READ_ONLY,
        Expectation.GOLDEN,
        golden="essai.csv",
        **values,
    )


def compare(golden: Golden, found: ResultSet, folder: Path, **values: Any) -> Witness:
    """What the witness keeps of a result put beside a golden table."""
    witness = Witness("BASE-210", folder)
    judge(make_header(**values), golden, Batch((found,)), "SELECT …", witness)
    return witness


def find_gap(
    golden: str, columns: tuple[str, ...], rows: list[tuple[Any, ...]], folder: Path, **values: Any
) -> Gap:
    """The only gap of a result beside a golden text."""
    (gap,) = compare(read_golden(golden), ResultSet(columns, tuple(rows)), folder, **values).gaps
    return gap


@st.composite
def tables(draw: st.DrawFn) -> ResultSet:
    """A result of a server: in each column values of one kind, some of them NULL."""
    columns = draw(NAMES)
    kinds = [draw(st.sampled_from(KINDS)) | st.none() for _ in columns]
    rows = draw(st.lists(st.tuples(*kinds), min_size=1, max_size=8))
    return ResultSet(tuple(columns), tuple(rows))


def save(table: ResultSet) -> Golden:
    """The table as its own golden file says it."""
    text = write_golden(table.columns, [[show_value(value) for value in row] for row in table.rows])
    return read_golden(text)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("passage")


@given(table=tables(), order=st.randoms(use_true_random=False), data=st.data())
def test_any_table_equals_its_own_golden_file_whatever_the_order(
    folder: Path, table: ResultSet, order: Any, data: st.DataObject
) -> None:
    rows = list(table.rows)
    order.shuffle(rows)
    tolerance = data.draw(st.none() | st.just(Decimal("1e-6")))
    witness = compare(save(table), ResultSet(table.columns, tuple(rows)), folder, tolerance=tolerance)
    assert (witness.gaps, witness.missed, witness.checks) == ([], [], 1)


@given(table=tables(), data=st.data())
def test_any_single_change_of_a_value_is_told(folder: Path, table: ResultSet, data: st.DataObject) -> None:
    row = data.draw(st.integers(0, len(table.rows) - 1))
    column = data.draw(st.integers(0, len(table.columns) - 1))
    before = table.rows[row][column]
    others = [value for value in (one[column] for one in table.rows) if value is not None]
    kind = type(others[0] if others else "")
    after = data.draw(st.none() if before is not None else st.just(CHANGED[kind]))
    rows = [list(one) for one in table.rows]
    rows[row][column] = after
    found = ResultSet(table.columns, tuple(tuple(one) for one in rows))
    witness = compare(save(table), found, folder)
    assert len(witness.gaps) == 1


CHANGED = {
    str: "changé en autre chose",
    int: 10**10,
    float: 1e300,
    Decimal: Decimal("1e10"),
    bool: True,
    datetime: datetime(1999, 1, 1),
    date: date(1, 1, 1),
    time: time(1, 2, 3, 4),
    UUID: UUID(int=7),
    bytes: b"changed",
}


@given(table=tables(), data=st.data())
def test_any_row_taken_away_or_added_is_told(folder: Path, table: ResultSet, data: st.DataObject) -> None:
    rows = list(table.rows)
    place = data.draw(st.integers(0, len(rows) - 1))
    taken = data.draw(st.booleans())
    rows = rows[:place] + rows[place + 1 :] if taken else [*rows, rows[place]]
    (gap,) = compare(save(table), ResultSet(table.columns, tuple(rows)), folder).gaps
    assert gap.found == (
        "1 absente(s), 0 en trop, 0 changée(s)" if taken else "0 absente(s), 1 en trop, 0 changée(s)"
    )
    assert [row[0] for row in gap.rows] == ["absente" if taken else "en trop"]


@given(table=tables())
def test_any_two_different_rows_exchanged_are_told_only_where_the_order_counts(
    folder: Path, table: ResultSet
) -> None:
    golden, turned = save(table), ResultSet(table.columns, table.rows[::-1])
    moved = any(
        normalize(one) != normalize(other)
        for before, after in zip(table.rows, table.rows[::-1], strict=True)
        for one, other in zip(before, after, strict=True)
    )
    assert bool(compare(golden, turned, folder, ordered=True).gaps) is moved
    assert not compare(golden, turned, folder).gaps


NUMBERS = st.decimals(min_value=-1000, max_value=1000, places=1)


@given(
    expected=st.lists(st.tuples(st.sampled_from("ab"), NUMBERS, NUMBERS), min_size=1, max_size=6),
    shifts=st.lists(st.integers(-10, 10), min_size=12, max_size=12),
    order=st.randoms(use_true_random=False),
)
def test_numbers_within_the_tolerance_are_the_same_whatever_the_order(
    expected: list[tuple[Any, ...]], shifts: list[int], order: Any
) -> None:
    tolerance = Decimal("0.001")

    def near(number: Decimal, shift: int) -> Decimal:
        return number + Decimal(shift) / 10 * tolerance * max(Decimal(1), abs(number))

    found = [
        (key, near(one, shifts[2 * place]), near(other, shifts[2 * place + 1]))
        for place, (key, one, other) in enumerate(expected)
    ]
    order.shuffle(found)
    assert not compare_rows(expected, found, tolerance)
    beyond = [
        (key, one + 3 * tolerance * max(Decimal(1), abs(one)), other) for key, one, other in expected[:1]
    ]
    assert compare_rows(expected[:1], beyond, tolerance).changed == ((0, 0),)


TENTHS = st.lists(st.integers(0, 9).map(lambda tenths: (Decimal(tenths) / 10,)), min_size=1, max_size=5)


@given(TENTHS, TENTHS, st.sampled_from(("0.1", "0.2")))
def test_as_many_rows_as_possible_are_paired(
    expected: list[tuple[Decimal]], found: list[tuple[Decimal]], written: str
) -> None:
    tolerance = Decimal(written)
    most = max(
        sum(
            is_same(expected[one][0], found[other][0], tolerance)
            for one, other in zip(ones, others, strict=False)
        )
        for ones in itertools.permutations(range(len(expected)))
        for others in itertools.combinations(range(len(found)), min(len(expected), len(found)))
    )
    assert len(pair_rows(expected, found, tolerance)) == most


def test_a_row_gives_up_its_equal_one_where_another_needs_it() -> None:
    expected, found = [(Decimal("0.1"),), (Decimal("0.2"),)], [(Decimal("0.2"),), (Decimal("0.3"),)]
    assert pair_rows(expected, found, Decimal("0.1")) == {0: 0, 1: 1}


def test_rows_missing_in_excess_and_changed_are_told_apart(tmp_path: Path) -> None:
    golden = (
        "cap;utc;valeur\n1;2026-11-01 00:00:00;1.50\n2;2026-11-01 00:00:00;NULL\n3;2026-11-02 00:00:00;7\n"
    )
    columns = ("CAP", "utc", "valeur")
    at = datetime(2026, 11, 1)
    rows = [(1, at, Decimal("1.5")), (2, at, Decimal("0.250")), (9, at, None)]
    gap = find_gap(golden, columns, rows, tmp_path)
    assert gap.expected == "3 ligne(s) de essai.csv"
    assert gap.found == "1 absente(s), 1 en trop, 1 changée(s)"
    assert gap.columns == ("écart", "cap", "utc", "valeur")
    assert gap.rows == (
        ("absente", "3", "2026-11-02 00:00:00", "7"),
        ("en trop", "9", "2026-11-01 00:00:00", "NULL"),
        ("changée", "2", "2026-11-01 00:00:00", "NULL → 0.25"),
    )


def test_what_was_found_is_kept_as_a_golden_file_that_can_be_taken_over(tmp_path: Path) -> None:
    columns, rows = ("a", "b"), ((Decimal("1.50"), "NULL"), (None, "x;y"))
    witness = compare(read_golden("a;b\n1;x\n"), ResultSet(columns, rows), tmp_path)
    kept = next(one for one in witness.evidence if one.title == "résultat obtenu")
    text = (tmp_path / kept.path).read_text(encoding="utf-8")
    assert text == 'a;b\n1.50;"NULL"\nNULL;"x;y"\n'
    assert not compare(read_golden(text), ResultSet(columns, rows), tmp_path).gaps


@pytest.mark.parametrize(
    ("cell", "value", "same"),
    [
        ("1.50", Decimal("1.5"), True),
        ("1.5", 1.5, True),
        ("1,5", Decimal("1.5"), False),
        ("1e3", 1000, True),
        ("0.1", 0.1, True),
        ("NULL", None, True),
        ('"NULL"', None, False),
        ('"NULL"', "NULL", True),
        ("NULL", "NULL", False),
        ("null", "null", True),
        ('""', "", True),
        ('""', None, False),
        ("1", True, True),
        ("oui", True, True),
        ("0", False, True),
        ("2026-11-01T12:00:00", datetime(2026, 11, 1, 12), True),
        ("2026-11-01", datetime(2026, 11, 1), True),
        ("2026-11-01 12:00:00", datetime(2026, 11, 1, 12, tzinfo=UTC), False),
        ("2026-11-01", date(2026, 11, 1), True),
        ("0xabcd", b"\xab\xcd", True),
        ("6F9619FF-8B86-D011-B42D-00C04FC964FF", UUID("6f9619ff-8b86-d011-b42d-00c04fc964ff"), True),
        ("6f9619ff-8b86-d011-b42d-00c04fc964ff", "6F9619FF-8B86-D011-B42D-00C04FC964FF", True),
        ("6F9619FF-8B86-D011-B42D-00C04FC964FF", "6F9619FF-8B86-D011-B42D-00C04FC964FF", True),
        ("6F9619FF-8B86-D011-B42D-00C04FC964FE", "6F9619FF-8B86-D011-B42D-00C04FC964FF", False),
        ("6F9619FF-8B86-D011-B42D-00C04FC964FF", "6f9619ff-8b86-d011-b42d-00c04fc964ff", False),
        ("inconnu", "6F9619FF-8B86-D011-B42D-00C04FC964FF", False),
        ("01", "1", False),
        ("a", "a ", False),
        ("été", "été", True),
        ("NaN", float("nan"), True),
    ],
)
def test_a_cell_is_read_as_a_value_of_the_kind_that_was_found(
    tmp_path: Path, cell: str, value: Any, same: bool
) -> None:
    witness = compare(read_golden(f"a;b\n{cell};1\n"), ResultSet(("a", "b"), ((value, 1),)), tmp_path)
    assert bool(witness.gaps) is not same


def test_numbers_beside_one_that_is_none_are_still_numbers(tmp_path: Path) -> None:
    golden = read_golden("a;b\n1;1.50\n2;nan\n3;inf\n")
    found = ResultSet(("a", "b"), ((1, 1.5), (2, float("nan")), (3, float("inf"))))
    assert not compare(golden, found, tmp_path).gaps


def test_ignored_columns_do_not_count_on_either_side(tmp_path: Path) -> None:
    found = ResultSet(("a", "Vu", "b"), ((1, "12:00", 2),))
    assert not compare(read_golden("a;b\n1;2\n"), found, tmp_path, ignored=("vu",)).gaps
    assert not compare(read_golden("vu,b,a\n13:00,2,1\n"), found, tmp_path, ignored=("vu",)).gaps
    assert compare(read_golden("a;b\n1;2\n"), found, tmp_path).gaps


def test_other_columns_are_a_gap_that_names_both(tmp_path: Path) -> None:
    gap = find_gap("a;b\n1;2\n", ("a", "c"), [(1, 2)], tmp_path)
    assert (gap.expected, gap.found) == ("les colonnes de essai.csv : a, b", "a, c")


@pytest.mark.parametrize(
    ("columns", "ignored", "words"),
    [
        (("a", ""), (), "une colonne du résultat n'a pas de nom"),
        (("a", "A"), (), "deux colonnes du résultat ont le même nom"),
        (("a", "b"), ("c",), "la colonne à ignorer « c » n'est pas dans le résultat"),
    ],
)
def test_a_result_that_cannot_be_put_beside_a_golden_file_is_not_judged(
    tmp_path: Path, columns: tuple[str, ...], ignored: tuple[str, ...], words: str
) -> None:
    witness = compare(read_golden("a;b\n1;2\n"), ResultSet(columns, ((1, 2),)), tmp_path, ignored=ignored)
    result = conclude(ScenarioResult("BASE-210", Outcome.OK), witness, 1.0)
    assert result.outcome is Outcome.INCONCLUSIF
    assert words in result.message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "fichier vide"),
        ("\n\n", "fichier vide"),
        ("a;b\n", "aucune ligne sous les noms de colonnes"),
        ("a;A\n1;2\n", "colonne en double : « a »"),
        ("a;;b\n1;2;3\n", "une colonne n'a pas de nom"),
        ("a;b\n1;2\n1\n", "ligne 3 : 1 valeur(s) pour 2 colonne(s)"),
        ("a;b\n1;2;3\n", "ligne 2 : 3 valeur(s) pour 2 colonne(s)"),
        ('a;b\n1;"x\n', "ligne 2 : guillemets mal placés"),
        ('a;b\n1;x"y\n', "ligne 2 : guillemets mal placés"),
        ('a;b\n1;"x"y\n', "ligne 2 : guillemets mal placés"),
    ],
)
def test_a_file_that_is_no_golden_table_is_told_so(text: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_golden(text)
    assert words in str(caught.value)


def test_spreadsheets_write_golden_files_too() -> None:
    assert read_golden('\ufeffa,b\r\n1,"x;y"\r\n"deux\nlignes",NULL\r\n\r\n3,\r\n') == Golden(
        ("a", "b"), (("1", "x;y"), ("deux\nlignes", None), ("3", ""))
    )


@given(st.lists(TEXTS | st.none(), min_size=1, max_size=4), st.integers(1, 4))
def test_whatever_is_written_is_read_back(row: list[str | None], count: int) -> None:
    columns = [f"c{place}" for place in range(len(row))]
    golden = read_golden(write_golden(columns, [row] * count))
    assert golden == Golden(tuple(columns), (tuple(row),) * count)


def expect(expectation: Expectation, batch: Batch, folder: Path) -> ScenarioResult:
    """How a scenario ends that expects this of a batch."""
    witness = Witness("BASE-210", folder)
    header = Header("BASE-210", "Essai", Criticality.MAJEURE, Effect.READ_ONLY, expectation)
    judge(header, None, batch, "SELECT …", witness)
    return conclude(ScenarioResult("BASE-210", Outcome.OK), witness, 1.0)


EMPTY, FULL = ResultSet(("a",), ()), ResultSet(("a",), ((1,), (None,)))


@pytest.mark.parametrize(
    ("expectation", "batch", "outcome"),
    [
        (Expectation.NO_ROWS, Batch((EMPTY,)), Outcome.OK),
        (Expectation.NO_ROWS, Batch((EMPTY, EMPTY)), Outcome.OK),
        (Expectation.NO_ROWS, Batch((FULL, EMPTY)), Outcome.KO),
        (Expectation.NO_ROWS, Batch((EMPTY, FULL)), Outcome.KO),
        (Expectation.NO_ROWS, Batch(()), Outcome.INCONCLUSIF),
        (Expectation.NO_ROWS, Batch((), ("vu",)), Outcome.INCONCLUSIF),
        (Expectation.NO_ERROR, Batch((FULL,)), Outcome.OK),
        (Expectation.NO_ERROR, Batch((), ("vu",)), Outcome.OK),
        (Expectation.NO_ERROR, Batch(()), Outcome.INCONCLUSIF),
        (Expectation.GOLDEN, Batch(()), Outcome.INCONCLUSIF),
    ],
)
def test_only_what_was_seen_is_good(
    tmp_path: Path, expectation: Expectation, batch: Batch, outcome: Outcome
) -> None:
    assert expect(expectation, batch, tmp_path).outcome is outcome


def test_rows_that_should_not_be_there_are_kept_with_the_request(tmp_path: Path) -> None:
    (gap,) = expect(Expectation.NO_ROWS, Batch((FULL,)), tmp_path).gaps
    assert gap == Gap("SELECT …", "aucune ligne", "2 ligne(s)", ("a",), (("1",), ("NULL",)), 2)


@given(st.lists(st.booleans(), min_size=1, max_size=6))
def test_each_result_is_a_check_and_each_that_has_rows_is_a_gap_that_names_it(
    folder: Path, filled: list[bool]
) -> None:
    witness = Witness("BASE-210", folder)
    header = Header("BASE-210", "Essai", Criticality.MAJEURE, Effect.READ_ONLY, Expectation.NO_ROWS)
    judge(header, None, Batch(tuple(FULL if one else EMPTY for one in filled)), "SELECT …", witness)
    assert witness.checks == len(filled)
    where = f" sur {len(filled)}"
    assert [gap.expected for gap in witness.gaps] == [
        f"aucune ligne dans le résultat {number}{where}" if len(filled) > 1 else "aucune ligne"
        for number, one in enumerate(filled, start=1)
        if one
    ]


def test_a_golden_file_is_put_beside_the_last_result(tmp_path: Path) -> None:
    golden = read_golden("a\n1\n")
    for sets, same in (
        ((FULL, ResultSet(("a",), ((1,),))), True),
        ((ResultSet(("a",), ((1,),)), FULL), False),
    ):
        witness = Witness("BASE-210", tmp_path)
        judge(make_header(), golden, Batch(sets), "SELECT …", witness)
        assert bool(witness.gaps) is not same


def test_what_the_script_said_is_the_gap(tmp_path: Path) -> None:
    witness = Witness("BASE-210", tmp_path)
    judge_thrown(make_header(), "3 capteurs sans station", "SELECT …", witness)
    assert witness.gaps == [Gap("SELECT …", "fichier essai.csv", "rejet du script : 3 capteurs sans station")]


def test_messages_are_kept_as_evidence(tmp_path: Path) -> None:
    (evidence,) = expect(Expectation.NO_ERROR, Batch((), ("un", "deux")), tmp_path).evidence
    assert (tmp_path / evidence.path).read_text(encoding="utf-8") == "un\ndeux\n"
