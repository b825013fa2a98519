"""Rows of both sides put together by their key: missing, in excess, changed. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
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

    def pair(rank: Callable[[Row], Any]) -> Iterator[Difference]:
        ours, theirs = (deque(sorted(rows, key=rank)) for rows in (left, right))
        while ours or theirs:
            mine, other = ours[0] if ours else None, theirs[0] if theirs else None
            if mine is not None and other is not None and mine[:key_columns] != other[:key_columns]:
                mine, other = (mine, None) if rank(mine) < rank(other) else (None, other)
            row = ours.popleft() if mine is not None else theirs[0]
            if other is not None:
                theirs.popleft()
            yield Difference(row[:key_columns], name_kind(mine, other, is_whole), mine, other)

    try:
        return tuple(pair(lambda row: row))
    except TypeError:  # values of several types do not compare: by their type first
        return tuple(pair(lambda row: [(type(value).__name__, value) for value in row[:key_columns]]))


def name_kind(left: Row | None, right: Row | None, is_whole: bool) -> Kind:
    """What is wrong with a row; nothing tells a missing one from a changed one unless all were fetched."""
    if left is not None and right is not None:
        return Kind.CHANGED
    if not is_whole:
        return Kind.UNPAIRED
    return Kind.MISSING if right is None else Kind.EXTRA


def keep_persistent(first: Sequence[Difference], second: Sequence[Difference]) -> tuple[Difference, ...]:
    """Differences of the second look that lag does not explain: the first had the row, and one side has not moved.

    A replica that catches up moves, and then its source has moved too; a row that is missing, or stuck, stays so
    although somebody goes on writing the other one.
    """
    known = {difference.key: difference for difference in first}
    return tuple(
        difference
        for difference in second
        if (before := known.get(difference.key)) is not None
        and (before.left == difference.left or before.right == difference.right)
    )


def changed_columns(difference: Difference, columns: Sequence[str]) -> tuple[tuple[str, Any, Any], ...]:
    """(column, left, right) of what differs in a row that both sides have."""
    if difference.left is None or difference.right is None:
        return ()
    return tuple(
        (name, mine, other)
        for name, mine, other in zip(columns, difference.left, difference.right, strict=True)
        if mine != other
    )
