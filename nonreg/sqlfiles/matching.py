"""Two tables put face to face, row by row, whatever their order: what is missing, in excess, changed. Pure.

Numbers may differ by a tolerance t: |found − expected| ≤ t × max(1, |expected|), that is t itself below 1 and relative
to the expected number above. With a tolerance, rows are paired so that as few as possible are left alone.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

Row = tuple[Any, ...]
MOST_COMPARED = 300  # rows of either side among which a changed one is looked for
ROUNDING = Decimal("1e-20")  # the window of candidates is no narrower than the rule


@dataclass(frozen=True, slots=True)
class Differences:
    """Places of rows: expected ones alone, found ones alone, pairs (expected, found) that differ in some cells."""

    missing: tuple[int, ...]
    extra: tuple[int, ...]
    changed: tuple[tuple[int, int], ...]

    def __bool__(self) -> bool:
        return bool(self.missing or self.extra or self.changed)


def is_same(expected: Any, found: Any, tolerance: Decimal | None) -> bool:
    """True when one value is the other, or near enough where both are numbers."""
    if tolerance is None or not isinstance(expected, Decimal) or not isinstance(found, Decimal):
        return bool(expected == found)
    return abs(found - expected) <= tolerance * max(Decimal(1), abs(expected))


def compare_rows(expected: Sequence[Row], found: Sequence[Row], tolerance: Decimal | None) -> Differences:
    """How the rows found differ from those expected, in whatever order."""
    partner = pair_rows(expected, found, tolerance)
    taken = set(partner.values())
    missing = [place for place in range(len(expected)) if place not in partner]
    extra = [place for place in range(len(found)) if place not in taken]
    changed = pair_changed(expected, found, missing, extra, tolerance)
    gone, come = {one for one, _ in changed}, {other for _, other in changed}
    return Differences(
        tuple(place for place in missing if place not in gone),
        tuple(place for place in extra if place not in come),
        tuple(changed),
    )


def pair_rows(expected: Sequence[Row], found: Sequence[Row], tolerance: Decimal | None) -> dict[int, int]:
    """Found place by expected place, each used once, as many as can be paired."""
    left, right = group(expected, tolerance), group(found, tolerance)
    partner: dict[int, int] = {}
    for key, places in left.items():
        if tolerance is None:
            partner.update(zip(places, right.get(key, []), strict=False))
        else:
            partner.update(Pairing(expected, found, places, right.get(key, []), tolerance).pair())
    return partner


def group(rows: Sequence[Row], tolerance: Decimal | None) -> dict[Row, list[int]]:
    """Places of rows that can only be told apart by numbers; without a tolerance, of equal rows."""
    groups: dict[Row, list[int]] = defaultdict(list)
    for place, row in enumerate(rows):
        key = row if tolerance is None else tuple(... if isinstance(one, Decimal) else one for one in row)
        groups[key].append(place)
    return groups


class Pairing:
    """Rows of one group, paired as many as possible (augmenting paths), equal ones first."""

    def __init__(
        self,
        expected: Sequence[Row],
        found: Sequence[Row],
        left: list[int],
        right: list[int],
        tolerance: Decimal,
    ) -> None:
        self._expected, self._found, self._left, self._tolerance = expected, found, left, tolerance
        self._leading = next(
            (place for place, one in enumerate(expected[left[0]]) if isinstance(one, Decimal)), None
        )
        self._right = sorted(right, key=self._measure)
        self._measures = [self._measure(place) for place in self._right]
        self._owner: dict[int, int] = {}  # expected place by found place
        self._held: dict[int, int] = {}  # found place by expected place

    def _measure(self, place: int) -> Decimal:
        return Decimal(0) if self._leading is None else self._found[place][self._leading]

    def pair(self) -> dict[int, int]:
        """Found place by expected place."""
        equal: dict[Row, list[int]] = defaultdict(list)
        for place in reversed(self._right):
            equal[self._found[place]].append(place)
        alone = []
        for place in self._left:
            if equal.get(self._expected[place]):
                self._give(equal[self._expected[place]].pop(), place)
            else:
                alone.append(place)
        for place in alone:
            self._augment(place)
        return self._held

    def _candidates(self, place: int) -> list[int]:
        """Found places near enough to an expected one."""
        row = self._expected[place]
        center = Decimal(0) if self._leading is None else row[self._leading]
        reach = self._tolerance * max(Decimal(1), abs(center)) + ROUNDING * max(Decimal(1), abs(center))
        start = bisect_left(self._measures, center - reach)
        end = bisect_right(self._measures, center + reach)
        return [
            other
            for other in self._right[start:end]
            if all(
                is_same(one, two, self._tolerance) for one, two in zip(row, self._found[other], strict=True)
            )
        ]

    def _augment(self, start: int) -> None:
        """Give an expected row a partner, moving others to another one if that is needed."""
        came_from: dict[int, int] = {}  # found place → expected place that looked at it
        waiting = [start]
        while waiting:
            place = waiting.pop()
            for other in self._candidates(place):
                if other in came_from:
                    continue
                came_from[other] = place
                if other not in self._owner:
                    self._move(other, came_from)
                    return
                waiting.append(self._owner[other])

    def _move(self, free: int, came_from: dict[int, int]) -> None:
        """Along the path that was found, each expected row takes the place beside it and leaves its own."""
        while True:
            place = came_from[free]
            before = self._held.get(place)
            self._give(free, place)
            if before is None:
                return
            free = before

    def _give(self, found: int, place: int) -> None:
        self._owner[found] = place
        self._held[place] = found


def pair_changed(
    expected: Sequence[Row],
    found: Sequence[Row],
    missing: list[int],
    extra: list[int],
    tolerance: Decimal | None,
) -> list[tuple[int, int]]:
    """Rows alone on both sides that are the same in most of their cells, the most alike first."""
    alike = []
    for one in missing[:MOST_COMPARED]:
        for other in extra[:MOST_COMPARED]:
            cells = zip(expected[one], found[other], strict=True)
            same = sum(is_same(before, after, tolerance) for before, after in cells)
            if same * 2 >= len(expected[one]) and same:
                alike.append((-same, one, other))
    pairs: list[tuple[int, int]] = []
    gone: set[int] = set()
    come: set[int] = set()
    for _, one, other in sorted(alike):
        if one not in gone and other not in come:
            pairs.append((one, other))
            gone.add(one)
            come.add(other)
    return sorted(pairs)
