"""Rows of both sides put together by their key, whatever the keys are."""

from __future__ import annotations

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from nonreg.comparison.differences import Kind, pair_rows

KEYS = st.tuples(st.integers(0, 3), st.text("abc", max_size=2))
ROWS = st.dictionaries(KEYS, st.one_of(st.none(), st.integers(0, 2), st.text("xy", max_size=1)), max_size=12)


@given(left=ROWS, right=ROWS, is_whole=st.booleans())
def test_each_key_comes_once_in_order_with_the_rows_of_both_sides(
    left: dict[tuple[int, str], object], right: dict[tuple[int, str], object], is_whole: bool
) -> None:
    """Values beside the key need not compare, NULL among them."""
    rows = [[(*key, value) for key, value in side.items()] for side in (left, right)]
    found = pair_rows(rows[0], rows[1], 2, is_whole=is_whole)
    assert [one.key for one in found] == sorted({*left, *right})
    for one in found:
        assert (one.left, one.right) == tuple(
            (*one.key, side[one.key]) if one.key in side else None  # type: ignore[index]
            for side in (left, right)
        )
        both = one.left is not None and one.right is not None
        alone = Kind.MISSING if one.right is None else Kind.EXTRA
        assert one.kind is (Kind.CHANGED if both else alone if is_whole else Kind.UNPAIRED)


def test_keys_of_several_types_are_put_in_order_by_their_type() -> None:
    """As a column without a type holds them: they do not compare with one another."""
    left = [("b", 1), (2, 1), (date(2024, 1, 1), 1)]
    right = [(10, 1), (2, 2), ("a", 1)]
    found = pair_rows(left, right, 1)
    assert [one.key for one in found] == [(date(2024, 1, 1),), (2,), (10,), ("a",), ("b",)]
    assert [one.kind for one in found] == [Kind.MISSING, Kind.CHANGED, Kind.EXTRA, Kind.EXTRA, Kind.MISSING]
