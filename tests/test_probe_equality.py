"""Equality: what differs is named on the side where it differs, and lag is not a difference."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from nonreg.clients.sql import Rows
from nonreg.probes.equality import (
    CHANGED,
    EXTRA,
    MISSING,
    Difference,
    compare_rows,
    find_differing,
    is_between,
    keep_persistent,
    narrow_documents,
    read_groups,
    read_rows,
)

VALUES = st.one_of(st.none(), st.integers(-3, 3).map(Decimal))
TABLES = st.dictionaries(
    st.tuples(st.integers(1, 3), st.integers(0, 5)), st.tuples(VALUES, st.sampled_from(["OK", "MANQUANTE"]))
)


def test_groups_keep_the_count_beside_the_checksum() -> None:
    rows = Rows(("cap_id", "day", "row_count", "checksum"), ((1, 9, 288, Decimal(-5)),), "")
    assert read_groups(rows, 2) == {(1, 9): (288, -5)}


def test_a_group_of_one_side_only_differs() -> None:
    assert find_differing({(1,): (2, 3)}, {(2,): (2, 3)}) == [(1,), (2,)]
    assert find_differing({(1,): (2, 3)}, {(1,): (3, 3)}) == [(1,)]


def test_rows_missing_in_excess_and_changed_are_told_apart() -> None:
    active = read_rows(Rows(("k", "v"), ((1, "a"), (2, "b"), (4, None)), ""), 1)
    passive = read_rows(Rows(("k", "v"), ((2, "c"), (3, "d"), (4, None)), ""), 1)
    assert compare_rows(active, passive) == [
        Difference((1,), MISSING, ("a",), None),
        Difference((2,), CHANGED, ("b",), ("c",)),
        Difference((3,), EXTRA, None, ("d",)),
    ]


def test_null_is_not_zero() -> None:
    assert [one.kind for one in compare_rows({(1,): (None,)}, {(1,): (Decimal(0),)})] == [CHANGED]


def test_two_values_exchanged_are_two_differences() -> None:
    assert len(compare_rows({(1,): (5,), (2,): (7,)}, {(1,): (7,), (2,): (5,)})) == 2


def test_a_difference_that_moved_between_two_looks_was_lag() -> None:
    lag, stuck = Difference((1,), CHANGED, (5,), (4,)), Difference((2,), CHANGED, (5,), (4,))
    moved = Difference((1,), CHANGED, (6,), (5,))
    assert keep_persistent([lag, stuck], [moved, stuck]) == [stuck]


@given(TABLES, TABLES)
def test_no_difference_means_equal_tables(left: dict[Any, Any], right: dict[Any, Any]) -> None:
    found = compare_rows(left, right)
    assert (found == []) == (left == right)
    assert sorted(one.key for one in found) == sorted(find_differing(left, right))


@given(TABLES, TABLES)
def test_the_other_way_round_missing_is_extra(left: dict[Any, Any], right: dict[Any, Any]) -> None:
    opposite = {MISSING: EXTRA, EXTRA: MISSING, CHANGED: CHANGED}
    there, back = compare_rows(left, right), compare_rows(right, left)
    assert [(one.key, opposite[one.kind], one.passive, one.active) for one in there] == [
        (one.key, one.kind, one.active, one.passive) for one in back
    ]


@given(TABLES, TABLES)
def test_a_state_that_stays_is_persistent(left: dict[Any, Any], right: dict[Any, Any]) -> None:
    found = compare_rows(left, right)
    assert keep_persistent(found, found) == found
    assert keep_persistent([], found) == []


def test_only_the_columns_that_differ_are_shown() -> None:
    shown = narrow_documents('{"a": 1, "b": "é", "c": null}', '{"a": 1, "b": "e", "c": 0}')
    assert [json.loads(text) for text in shown] == [{"b": "é", "c": None}, {"b": "e", "c": 0}]


def test_a_row_of_one_side_is_shown_whole() -> None:
    assert narrow_documents('{"a": 1}', None) == ('{"a": 1}', "")
    assert narrow_documents(None, '{"a": 1}') == ("", '{"a": 1}')


def test_a_count_taken_in_between_lies_between() -> None:
    assert is_between(5, 5, 5)
    assert is_between(6, 5, 7)
    assert is_between(6, 7, 5)
    assert not is_between(4, 5, 5)
