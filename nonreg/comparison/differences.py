"""Rows of both sides put together by their key: missing, in excess, changed. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

Row = tuple[Any, ...]


class Kind(StrEnum):
    """What is wrong with a row, as seen from the left side."""

    MISSING = "absente à droite"
    EXTRA = "en trop à droite"
    CHANGED = "différente"
    UNPAIRED = "différente ou absente"  # too many differ: the row of the other side was not fetched


@dataclass(frozen=True, slots=True)
class Difference:
    """One row that is not the same on both sides; `left` and `right` are whole rows, None where there is none."""

    key: Row
    kind: Kind
    left: Row | None
    right: Row | None


def pair_rows(
    left: Sequence[Row], right: Sequence[Row], key_columns: int, *, is_whole: bool = True
) -> tuple[Difference, ...]:
    """Differences in order of key, from the rows that only one side has; the key is the first columns."""
    ours, theirs = ({row[:key_columns]: row for row in rows} for rows in (left, right))
    found = []
    for key in sort_keys(ours.keys() | theirs.keys()):
        mine, other = ours.get(key), theirs.get(key)
        if mine is not None and other is not None:
            kind = Kind.CHANGED
        elif not is_whole:
            kind = Kind.UNPAIRED
        else:
            kind = Kind.MISSING if other is None else Kind.EXTRA
        found.append(Difference(key, kind, mine, other))
    return tuple(found)


def sort_keys(keys: Iterable[Row]) -> list[Row]:
    """Keys in their own order; values of several types, which do not compare, by their type first."""
    try:
        return sorted(keys)
    except TypeError:
        return sorted(keys, key=lambda key: [(type(value).__name__, value) for value in key])


def keep_persistent(first: Sequence[Difference], second: Sequence[Difference]) -> tuple[Difference, ...]:
    """Differences of the second look that the first one had already, unchanged."""
    known = set(first)
    return tuple(difference for difference in second if difference in known)


def changed_columns(difference: Difference, columns: Sequence[str]) -> tuple[tuple[str, Any, Any], ...]:
    """(column, left, right) of what differs in a row that both sides have."""
    if difference.left is None or difference.right is None:
        return ()
    return tuple(
        (name, mine, other)
        for name, mine, other in zip(columns, difference.left, difference.right, strict=True)
        if mine != other
    )
