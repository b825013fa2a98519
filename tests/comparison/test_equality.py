"""Table comparison on two real servers: exactly the differences, whatever they are, and never a false equality."""

from __future__ import annotations

import random
import resource
from collections import Counter
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nonreg.clients.sql import open_session
from nonreg.comparison import compare, hashes, postgresql
from nonreg.comparison.differences import Kind, changed_columns
from nonreg.comparison.progress import Progress
from nonreg.comparison.run import Options
from nonreg.comparison.slices import Bound
from nonreg.comparison.table import Name, read_table
from tests.comparison.looking import FILL, ROWS, change, look, refuse
from tests.pair import Pair


def test_two_equal_tables_are_equal_and_no_row_is_fetched(measures: Pair) -> None:
    found = look(measures)
    assert found.is_equal
    assert (found.left_rows, found.right_rows) == (ROWS, ROWS)
    assert not any("lignes" in request.splitlines()[0] for request in found.requests)


def test_the_same_rows_kept_in_another_order_are_equal(measures: Pair) -> None:
    change(
        measures,
        "DELETE FROM essai.mesure",
        FILL.replace("generate_series(0, 39999) g", "generate_series(0, 39999) g ORDER BY g % 40, -g"),
    )
    assert look(measures).is_equal


def test_rows_missing_in_excess_and_changed_are_named_with_both_values(measures: Pair) -> None:
    change(
        measures,
        "DELETE FROM essai.mesure WHERE cap_id = 3 AND chr_id = 500",
        "INSERT INTO essai.mesure VALUES (41, 7, -1.5, 'OK')",
        "UPDATE essai.mesure SET mes_valeur = 12.345 WHERE cap_id = 4 AND chr_id = 9",
    )
    found = look(measures)
    assert [(one.key, one.kind) for one in found.differences] == [
        ((3, 500), Kind.MISSING),
        ((4, 9), Kind.CHANGED),
        ((41, 7), Kind.EXTRA),
    ]
    assert found.columns == ("cap_id", "chr_id", "mes_valeur", "mes_etat")
    assert found.differences[1].right == (4, 9, Decimal("12.345"), "OK")
    assert found.differences[1].left != found.differences[1].right
    assert found.differences[2].left is None


EXCHANGED = (
    "UPDATE essai.mesure SET mes_valeur = CASE chr_id WHEN 10 THEN {} ELSE {} END "
    "WHERE cap_id = 2 AND chr_id IN (10, 11)"
)
# What a checksum of less care does not see.
SUBTLE = {
    "two values exchanged": (
        EXCHANGED.format(77.1, 88.2),
        EXCHANGED.format(88.2, 77.1),
        2,
    ),
    "a sign": (
        "UPDATE essai.mesure SET mes_valeur = 5.5 WHERE cap_id = 2 AND chr_id = 10",
        "UPDATE essai.mesure SET mes_valeur = -5.5 WHERE cap_id = 2 AND chr_id = 10",
        1,
    ),
    "NULL and zero": (
        "UPDATE essai.mesure SET mes_valeur = NULL WHERE cap_id = 2 AND chr_id = 10",
        "UPDATE essai.mesure SET mes_valeur = 0 WHERE cap_id = 2 AND chr_id = 10",
        1,
    ),
    "a trailing blank": (
        "UPDATE essai.mesure SET mes_etat = 'OK' WHERE cap_id = 2 AND chr_id = 10",
        "UPDATE essai.mesure SET mes_etat = 'OK ' WHERE cap_id = 2 AND chr_id = 10",
        1,
    ),
    "case": (
        "UPDATE essai.mesure SET mes_etat = 'OK' WHERE cap_id = 2 AND chr_id = 10",
        "UPDATE essai.mesure SET mes_etat = 'Ok' WHERE cap_id = 2 AND chr_id = 10",
        1,
    ),
    "NaN": (
        "UPDATE essai.mesure SET mes_valeur = 0 WHERE cap_id = 2 AND chr_id = 10",
        "UPDATE essai.mesure SET mes_valeur = 'NaN' WHERE cap_id = 2 AND chr_id = 10",
        1,
    ),
}


@pytest.mark.parametrize(("left", "right", "count"), SUBTLE.values(), ids=SUBTLE)
def test_what_a_careless_checksum_misses_is_found(measures: Pair, left: str, right: str, count: int) -> None:
    change(measures, left, side=0)
    change(measures, right)
    assert [one.kind for one in look(measures).differences] == [Kind.CHANGED] * count


# (type, values that all differ): every pair is told apart in a nullable column, and each equals itself.
VALUES: dict[str, tuple[str, ...]] = {
    "smallint": ("NULL", "0", "-1", "1"),
    "integer": ("NULL", "0", "-1", "1", "2147483647"),
    "bigint": ("NULL", "0", "1", "4294967296", "4294967297", "-4294967296", "-1", "9223372036854775807"),
    "numeric": ("NULL", "0", "1.5", "-1.5", "15", "0.0001", "10000", "'NaN'", "'Infinity'", "'-Infinity'"),
    "numeric(9,2)": ("NULL", "0", "1.5", "-1.5", "150", "'NaN'"),
    "real": ("NULL", "0", "1.5", "-1.5", "'NaN'", "'Infinity'", "0.1"),
    "double precision": ("NULL", "0", "0.1", "0.10000000000000002", "-0.1", "'NaN'", "'-Infinity'"),
    "boolean": ("NULL", "false", "true"),
    "text": ("NULL", "''", "'a'", "'A'", "'a '", "'é'", "'e'", "'N'", "'NULL'"),
    "varchar(5)": ("NULL", "''", "'a'", "'a '"),
    "char(3)": ("NULL", "''", "'a'", "'b'"),
    "uuid": ("NULL", "'00000000-0000-0000-0000-000000000000'", "'00000000-0000-0000-0000-000000000001'"),
    "date": ("NULL", "'2000-01-01'", "'2026-10-25'", "'infinity'", "'0044-03-15 BC'"),
    "time": ("NULL", "'00:00'", "'23:59:59.999999'", "'23:59:59.999998'"),
    "timestamp": (
        *(
            "NULL",
            "'2000-01-01'",
            "'2026-10-25 02:30:00.000001'",
            "'2026-10-25 02:30'",
            "'infinity'",
            "'-infinity'",
        ),
        # Both halves of the count of microseconds change together: one hash folds them into one.
        *("'2000-01-01 00:00:01'", "'2000-01-01 01:11:35.967297'"),
    ),
    "timestamptz": ("NULL", "'2000-01-01 00:00Z'", "'2026-10-25 02:30+01'", "'2026-10-25 02:30+02'"),
    "bytea": ("NULL", "''", "'\\x00'", "'\\x0000'", "'\\x30'"),
}


@pytest.mark.parametrize("portable", [False, True], ids=["native", "portable"])
@pytest.mark.parametrize("type_name", VALUES)
def test_no_two_values_of_a_type_share_a_hash(pair: Pair, type_name: str, portable: bool) -> None:
    values = VALUES[type_name]
    listed = ", ".join(f"({number}, CAST({value} AS {type_name}))" for number, value in enumerate(values))
    pair.on_both(
        "DROP TABLE IF EXISTS essai.valeur",
        f"CREATE TABLE essai.valeur (id integer PRIMARY KEY, v {type_name})",
        f"INSERT INTO essai.valeur VALUES {listed}",
    )
    place = pair.places[0]
    with open_session(place.platform, place.site) as session:
        rows = session.query("compare_columns", schema_name="essai", table_name="valeur")
        table = read_table(Name("essai", "valeur"), rows, postgresql.KINDS, "SITE-A")
        row_hash = postgresql.write_hash(table.columns[1:], portable)
        found = [row[0] for row in session.execute(f"SELECT {row_hash} FROM essai.valeur m ORDER BY id").rows]
    assert len(set(found)) == len(values)
    assert look(pair, "essai.valeur").is_equal


EQUAL = {
    "numeric": ("1.5", "1.500"),
    "double precision": ("0", "'-0'"),
    "char(3)": ("'a'", "'a '"),
    "timestamptz": ("'2026-10-25 02:30+01'", "'2026-10-25 01:30Z'"),
}


@pytest.mark.parametrize(("type_name", "values"), EQUAL.items(), ids=EQUAL)
def test_values_that_the_rules_call_equal_are(pair: Pair, type_name: str, values: tuple[str, str]) -> None:
    pair.on_both(
        "DROP TABLE IF EXISTS essai.valeur",
        f"CREATE TABLE essai.valeur (id integer PRIMARY KEY, v {type_name})",
    )
    for side, value in enumerate(values):
        change(pair, f"INSERT INTO essai.valeur VALUES (1, CAST({value} AS {type_name}))", side=side)
    assert look(pair, "essai.valeur").is_equal


# Values that Python has no form of, or that equal nothing there, are shown as the server writes them.
SHOWN = {
    "numeric": ("'NaN'", "NaN"),
    "double precision": ("'NaN'", "NaN"),
    "date": ("'0044-03-15 BC'", "0044-03-15 BC"),
    "timestamp": ("'infinity'", "infinity"),
    "timestamptz": ("'12026-01-01 00:00Z'", "12026-01-01 00:00:00+00"),
    "time": ("'24:00'", "24:00:00"),
}


@pytest.mark.parametrize("is_key", [False, True], ids=["a value", "a key"])
@pytest.mark.parametrize(("type_name", "value"), SHOWN.items(), ids=SHOWN)
def test_a_value_that_python_has_no_form_of_is_compared_and_named(
    pair: Pair, type_name: str, value: tuple[str, str], is_key: bool
) -> None:
    usual = {"numeric": "3", "double precision": "3", "time": "'10:00'"}.get(type_name, "'2026-01-01'")
    ours, theirs = (usual, value[0]) if not is_key else (usual, usual)
    key = ("v, id" if is_key else "id", value[0] if is_key else "NULL")
    for side, other in enumerate((ours, theirs)):
        change(
            pair,
            "DROP TABLE IF EXISTS essai.valeur",
            f"CREATE TABLE essai.valeur (id integer, v {type_name}, t integer, PRIMARY KEY ({key[0]}))",
            f"INSERT INTO essai.valeur VALUES (1, {other}, 0), (2, {usual}, 0)",
            *([f"INSERT INTO essai.valeur VALUES (3, {key[1]}, {side})"] if is_key else []),
            side=side,
        )
    (one,) = look(pair, "essai.valeur", settle=lambda: None).differences
    assert one.kind is Kind.CHANGED
    assert one.right is not None
    assert one.right[:2] == ((value[1], 3) if is_key else (1, value[1]))


def test_a_float_is_shown_at_the_width_at_which_it_is_compared(pair: Pair) -> None:
    for side, type_name in enumerate(("real", "double precision")):
        change(
            pair,
            "DROP TABLE IF EXISTS essai.valeur",
            f"CREATE TABLE essai.valeur (id integer PRIMARY KEY, v {type_name})",
            "INSERT INTO essai.valeur VALUES (1, 0.1), (2, 0.5)",
            side=side,
        )
    (one,) = look(pair, "essai.valeur").differences
    assert (one.left, one.right) == ((1, 0.10000000149011612), (1, 0.1))


def test_instants_are_compared_to_the_precision_of_the_side_that_has_less(pair: Pair) -> None:
    for side, type_name in enumerate(("timestamp(3)", "timestamp(6)")):
        change(
            pair,
            "DROP TABLE IF EXISTS essai.valeur",
            f"CREATE TABLE essai.valeur (id integer PRIMARY KEY, v {type_name})",
            "INSERT INTO essai.valeur VALUES (1, '2026-01-01 00:00:00.1234'), (2, '2026-01-01 00:00:00.5')",
            side=side,
        )
    assert look(pair, "essai.valeur").is_equal
    change(pair, "UPDATE essai.valeur SET v = '2026-01-01 00:00:00.502' WHERE id = 2")
    assert [one.key for one in look(pair, "essai.valeur").differences] == [(2,)]


ROW = st.tuples(
    st.one_of(st.none(), st.integers(-5, 5), st.just(2**40)),
    st.one_of(st.none(), st.decimals(-100, 100, places=2)),
    st.one_of(st.none(), st.sampled_from(["", "a", "A", "a ", "NULL", "é|'\\"])),
    st.one_of(st.none(), st.datetimes(datetime(1999, 1, 1), datetime(2030, 1, 1))),
)
KEYS = st.tuples(st.integers(-3, 3), st.sampled_from(["x", "X", "x ", "y", "é"]))


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    left=st.dictionaries(KEYS, ROW, max_size=20),
    changes=st.lists(st.tuples(KEYS, st.one_of(st.none(), ROW)), max_size=6),
    filler=st.sampled_from([0, 700]),
    pages=st.sampled_from([1, 2, 16]),
    seed=st.integers(0, 9),
)
def test_exactly_the_differences_are_found_whatever_the_tables(
    pair: Pair,
    left: dict[Any, Any],
    changes: list[Any],
    filler: int,
    pages: int,
    seed: int,
) -> None:
    right = dict(left)
    for key, row in changes:
        if row is None:
            right.pop(key, None)
        else:
            right[key] = row
    for side, rows in enumerate((left, right)):
        with pair.connect(side) as connection:
            connection.execute("DROP TABLE IF EXISTS essai.hasard")
            connection.execute(
                'CREATE TABLE essai.hasard (n bigint, "d:2" numeric(12,2), t text, i timestamp, b integer NOT NULL, '
                "a text NOT NULL, PRIMARY KEY (b, a))"
            )
            connection.execute(
                "INSERT INTO essai.hasard SELECT g, g / 7.0, repeat('z', 40), NULL, 1000 + g, 'z' "
                "FROM generate_series(1, %s) g",
                (filler,),
            )
            shuffled = list(rows.items())
            random.Random(seed + side).shuffle(shuffled)  # each side keeps its rows in an order of its own
            with connection.cursor() as cursor:
                cursor.executemany(
                    "INSERT INTO essai.hasard VALUES (%s, %s, %s, %s, %s, %s)",
                    [(*row, *key) for key, row in shuffled],
                )
    expected = {
        key: Kind.MISSING if key not in right else Kind.EXTRA if key not in left else Kind.CHANGED
        for key in left.keys() | right.keys()
        if left.get(key) != right.get(key)
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(postgresql, "PAGES", pages)
        found = look(pair, "essai.hasard")
    assert {one.key: one.kind for one in found.differences} == expected
    for one in found.differences:
        for side, rows in ((one.left, left), (one.right, right)):
            assert (side[2:] if side else None) == rows.get(one.key)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    left=st.lists(st.tuples(st.integers(-9, 9), st.integers(0, 4)), max_size=40),
    right=st.lists(st.tuples(st.integers(-9, 9), st.integers(0, 4)), max_size=40),
    pieces=st.integers(1, 5),
    most=st.integers(1, 30),
)
def test_hashes_of_both_sides_cancel_out_however_they_come(
    tmp_path_factory: pytest.TempPathFactory, left: Any, right: Any, pieces: int, most: int
) -> None:
    """In pieces, in memory or through files: left over is what one side has more often."""
    import numpy as np

    def entries(rows: Any) -> Any:
        values = [[one[place] for one in rows] for place in range(2)]
        return hashes.make_entries(np.array(values[1], np.int64), np.array(values[0], np.int64))

    residue = hashes.Residue(tmp_path_factory.mktemp("restes"), most)
    for piece in range(pieces):
        residue.add(entries(left[piece::pieces]), entries(right[piece::pieces]))
    found: tuple[Counter[int], Counter[int]] = (Counter(), Counter())
    for part in residue.parts():
        for side in range(2):
            found[side].update(part[side]["hash"].tolist())
    ours, theirs = (Counter(one[0] for one in rows) for rows in (left, right))
    assert found == (ours - theirs, theirs - ours)


@pytest.mark.parametrize("upper", [0, 1, 2, 4, 6, -1, -2, -7])
def test_the_upper_half_of_a_long_key_does_not_pass_for_nulls(pair: Pair, upper: int) -> None:
    """Both are in the first seed; the halves of the two keys fold to the same, and NULL is put for an empty text."""
    pair.on_both(
        "DROP TABLE IF EXISTS essai.cle_longue",
        "CREATE TABLE essai.cle_longue (id bigint PRIMARY KEY, t text, other text)",
    )
    lower = 5 ^ (upper if upper >= 0 else ~upper)
    change(pair, "INSERT INTO essai.cle_longue VALUES (5, NULL, NULL)", side=0)
    change(pair, f"INSERT INTO essai.cle_longue VALUES ({upper * 2**32 + lower}, '', '')")
    found = look(pair, "essai.cle_longue").differences
    assert [(one.left, one.right) for one in found if one.left] == [
        ((5, None, None), (5, "", "") if upper == 0 else None)
    ]


@settings(max_examples=200)
@given(
    left=st.lists(st.tuples(st.integers(0, 12), st.integers(-3, 3)), max_size=20),
    right=st.lists(st.tuples(st.integers(0, 12), st.integers(-3, 3)), max_size=20),
    in_order=st.booleans(),
)
def test_what_is_at_one_place_on_both_sides_is_left_out_once(left: Any, right: Any, in_order: bool) -> None:
    """Places in order, each once, or in any order: what one side has more often of a hash stays the same."""
    import numpy as np

    sides = [sorted(dict(rows).items()) if in_order else rows for rows in (left, right)]
    ours, theirs = (
        hashes.make_entries(
            np.array([place for place, _ in rows], np.int64), np.array([one for _, one in rows], np.int64)
        )
        for rows in sides
    )
    kept = [Counter(one["hash"].tolist()) for one in hashes.cancel_in_place(ours, theirs)]
    had = [Counter(one["hash"].tolist()) for one in (ours, theirs)]
    assert all(kept[0][h] - kept[1][h] == had[0][h] - had[1][h] for h in range(-3, 4))
    if in_order:
        shared = len(set(sides[0]) & set(sides[1]))
        assert [one.total() for one in kept] == [one.total() - shared for one in had]


def test_the_sum_of_hashes_is_exact_beyond_sixty_four_bits() -> None:
    import numpy as np

    values = [2**63 - 1, 2**63 - 1, -(2**63), 5, 2**63 - 1]
    assert hashes.add_hashes(hashes.make_entries(0, np.array(values, np.int64))) == sum(values)


SETTINGS = {
    "standard_conforming_strings": "off",
    "datestyle": "'German, DMY'",
    "timezone": "'Asia/Tokyo'",
    "extra_float_digits": "-3",
    "bytea_output": "escape",
    "search_path": "essai, pg_catalog",
}
EVERY_TYPE = (
    "CREATE TABLE essai.valeur (id integer PRIMARY KEY, r real, f float8, d date, i timestamp, z timestamptz, b bytea, "
    "t text, n numeric)"
)
# Two functions of somebody else, found first by whoever has that search_path.
OTHERS = (
    "CREATE OR REPLACE FUNCTION essai.md5(bytea) RETURNS text LANGUAGE sql IMMUTABLE AS $$SELECT repeat('0', 32)$$",
    "CREATE OR REPLACE FUNCTION essai.hashint4extended(integer, bigint) RETURNS bigint LANGUAGE sql IMMUTABLE "
    "AS $$SELECT 1$$",
)


@pytest.mark.parametrize("portable", [False, True], ids=["native", "portable"])
def test_a_server_s_own_settings_change_nothing(
    pair: Pair, portable: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = postgresql.write_hash
    monkeypatch.setattr(postgresql, "write_hash", lambda columns, _portable: write(columns, portable))
    pair.on_both(
        "DROP TABLE IF EXISTS essai.valeur",
        EVERY_TYPE,
        r"INSERT INTO essai.valeur SELECT g, 0.1, 0.1::float8 + 0.2, '2026-01-02', '2026-01-02 03:04:05.6', "
        r"'2026-01-02 03:04:05.6+02', '\x00ff5c'::bytea, 'a\b|c', 1.50 FROM generate_series(1, 3) g",
        *OTHERS,
    )
    change(pair, "UPDATE essai.valeur SET f = 0.3 WHERE id = 2")
    change(pair, *(f"ALTER DATABASE comparaison SET {name} = {value}" for name, value in SETTINGS.items()))
    try:
        (one,) = look(pair, "essai.valeur").differences
    finally:
        change(pair, *(f"ALTER DATABASE comparaison RESET {name}" for name in SETTINGS))
    assert one.left is not None
    assert one.right is not None
    assert [place for place, value in enumerate(one.left) if value != one.right[place]] == [2]


def test_what_is_written_meanwhile_is_not_seen(measures: Pair) -> None:
    change(measures, "UPDATE essai.mesure SET mes_valeur = 501 WHERE cap_id = 4 AND chr_id = 9")
    written = "UPDATE essai.mesure SET mes_valeur = 502 WHERE cap_id = {} AND chr_id = 7"

    def tell(progress: Progress) -> None:
        change(measures, written.format(progress.done % 40 + 1), side=progress.done % 2)

    found = look(measures, tell=tell)
    assert [one.key for one in found.differences] == [(4, 9)]


def test_as_many_rows_are_wanted_whatever_the_hashes_say(
    measures: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows whose hashes add nothing to the sum."""
    monkeypatch.setattr(postgresql, "write_hash", lambda _columns, _portable: "CAST(0 AS bigint)")
    change(measures, "DELETE FROM essai.mesure WHERE chr_id = 500 AND cap_id IN (3, 4)")
    found = look(measures)
    assert (found.left_rows, found.right_rows, found.is_equal) == (ROWS, ROWS - 2, False)


def test_an_answer_that_lacks_a_slice_or_a_row_establishes_nothing(
    measures: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(measures, "UPDATE essai.mesure SET mes_valeur = 501 WHERE cap_id = 4 AND chr_id IN (9, 10)")
    write_sums, read_rows = postgresql.write_sums, postgresql.read_rows
    with monkeypatch.context() as patch:
        patch.setattr(postgresql, "write_sums", lambda *words: write_sums(*words) + "\nWHERE s.slice <> 1")
        assert "pas répondu pour toutes les tranches" in refuse(measures, "essai.mesure")
    monkeypatch.setattr(postgresql, "read_rows", lambda *words: read_rows(*words)[1:])
    assert "a changé sur SITE-A" in refuse(measures, "essai.mesure")


def test_a_slice_of_too_many_rows_is_hashed_in_the_parts_that_differ(
    measures: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(
        measures,
        "DELETE FROM essai.mesure WHERE cap_id = 3 AND chr_id = 500",
        "UPDATE essai.mesure SET mes_valeur = 12.345 WHERE cap_id = 4 AND chr_id = 9",
        "INSERT INTO essai.mesure VALUES (41, 7, -1.5, 'OK')",
    )
    whole = look(measures).differences
    sizes: list[int] = []

    def read(rows: Any) -> Any:
        entries = read_hashes(rows)
        sizes.append(len(entries))
        return entries

    read_hashes = postgresql.read_hashes
    monkeypatch.setattr(postgresql, "read_hashes", read)
    monkeypatch.setattr(postgresql, "PAGES", 10_000)
    monkeypatch.setattr(compare, "HASHED_ROWS", 900)
    monkeypatch.setattr(compare, "PART_ROWS", 100)
    told: list[Progress] = []
    found = look(measures, tell=told.append)
    assert found.differences == whole
    assert len(whole) == 3
    assert 3 <= sum(sizes) <= 2 * 4 * 200  # four rows at most on a side, each in a part of about 100
    assert told[-1].done == told[-1].total
    change(measures, "UPDATE essai.mesure SET mes_valeur = 1 + mes_valeur WHERE cap_id < 9")
    sizes.clear()
    assert len(look(measures).differences) > 7_000
    assert max(sizes) <= 900


def test_a_full_disk_for_what_memory_does_not_hold_is_a_sentence(
    measures: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(measures, "UPDATE essai.mesure SET mes_etat = 'FAUX'")
    monkeypatch.setattr(hashes.Residue.__init__, "__defaults__", (1_000,))
    whole = look(measures).differences
    assert len(whole) == ROWS
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4_096, before[1]))
    try:
        said = refuse(measures, "essai.mesure")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "écriture impossible" in said


STRANGE = 'essai.T b:x%s"]\\:y'


def test_names_and_numbers_of_columns_do_not_matter(pair: Pair) -> None:
    """Names that quoting, parameters and formats could take for theirs; more columns than a seed has bits."""
    names = ["%(id)s:a", ":upto", "c'\\:z", "É %", ":schema_name", *(f"c{number}" for number in range(100))]
    quoted = [postgresql.quote(name).replace("\\:", ":") for name in names]
    table = "essai." + postgresql.quote(STRANGE.removeprefix("essai.")).replace("\\:", ":")
    columns = ", ".join(f"{name} integer" for name in quoted[1:])
    pair.on_both(
        f"DROP TABLE IF EXISTS {table}",
        f"CREATE TABLE {table} ({quoted[0]} integer PRIMARY KEY, {columns})",
        f"INSERT INTO {table} ({quoted[0]}) VALUES (1), (2), (3)",
    )
    assert look(pair, STRANGE).is_equal
    for name in (1, 4, 33, 70, 104):
        change(pair, f"UPDATE {table} SET {quoted[name]} = 0 WHERE {quoted[0]} = 2")
        (one,) = look(pair, STRANGE, Options(bound=Bound(names[0], 3))).differences
        assert changed_columns(one, names) == ((names[name], None, 0),)
        change(pair, f"UPDATE {table} SET {quoted[name]} = NULL WHERE {quoted[0]} = 2")


def test_more_differences_than_are_named_are_counted(measures: Pair) -> None:
    change(measures, "UPDATE essai.mesure SET mes_valeur = 1234 WHERE cap_id <= 10")
    found = look(measures, options=Options(most=100))
    assert len(found.differences) <= 200
    assert sum((one.left is not None) + (one.right is not None) for one in found.differences) == 200
    assert found.more == 2 * 10_000 - 200
    assert {one.kind for one in found.differences} <= {Kind.CHANGED, Kind.UNPAIRED}
    assert not found.is_equal


def test_rows_beyond_the_bound_are_not_compared(measures: Pair) -> None:
    change(measures, "UPDATE essai.mesure SET mes_valeur = 3 WHERE chr_id > 900")
    found = look(measures, options=Options(bound=Bound("chr_id", 900)))
    assert found.is_equal
    assert found.left_rows == 900 * 40
    assert not look(measures, options=Options(bound=Bound("chr_id", 901))).is_equal
