"""The time axis of a drill: straight around what happened, cut where nothing did.

A drill may wait twenty minutes for an alarm and be interrupted for a second: on a straight axis the second
would not be seen. A break is always drawn as one, with the seconds that it stands for.
"""

from __future__ import annotations

import itertools
import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeGuard

BREAK_WIDTH = 42.0  # of a break, the gap itself in its middle being
CUT_WIDTH = 6.0
MOST_BREAKS = 6
SHORTEST_BREAK_SECONDS = 2.0
LEAST_STRAIGHT_SECONDS = 1.0
SQUASHING_SHARE = 0.7  # of what is straight
HIDING_SHARE = 0.1
FOCUS_SHARE = 0.2
LARGEST_SECONDS = (
    1e9  # beyond it a value is no time of a drill: it is left out of the drawing, not of the tables
)
TICKS = 9


@dataclass(frozen=True, slots=True)
class Axis:
    """Seconds to places, straight between two `knots` (seconds, x); `breaks` are pairs of seconds."""

    knots: tuple[tuple[float, float], ...]
    breaks: tuple[tuple[float, float], ...]

    @property
    def end_seconds(self) -> float:
        """The last second that is drawn."""
        return self.knots[-1][0]

    def place(self, seconds: float) -> float:
        """Return where a moment is; one outside the axis is at its end."""
        after = bisect_right(self.knots, (seconds, math.inf))
        if after == 0:
            return self.knots[0][1]
        if after == len(self.knots):
            return self.knots[-1][1]
        (before, left), (later, right) = self.knots[after - 1], self.knots[after]
        return left + (right - left) * (seconds - before) / (later - before)

    def list_cuts(self) -> list[float]:
        """Return where the breaks are drawn."""
        return [(self.place(before) + self.place(later)) / 2 for before, later in self.breaks]

    def find_widest(self, begin: float, end: float) -> tuple[float, float]:
        """Return the widest part of a span of places that no break goes through: there is room for words there."""
        inside = [x for x in self.list_cuts() if begin < x < end]
        starts = [begin, *(x + CUT_WIDTH / 2 for x in inside)]
        ends = [*(x - CUT_WIDTH / 2 for x in inside), end]
        return max(zip(starts, ends, strict=True), key=lambda part: part[1] - part[0])


def is_drawable(seconds: float | None) -> TypeGuard[float]:
    """False for what is no moment of a drill: not known, not a number, out of all measure."""
    return seconds is not None and math.isfinite(seconds) and abs(seconds) < LARGEST_SECONDS


def draw_axis(
    moments: Iterable[float | None],
    duration: float,
    focus: tuple[float, float] | None,
    left: float,
    right: float,
) -> Axis:
    """Return the axis from 0 (or the first moment, if earlier) to the end of the drill or of its last moment.

    `focus` is what must be seen well: the interruption of service.
    """
    known = [round(moment, 6) for moment in moments if is_drawable(moment)]
    last = max([0.0, *known, *([round(duration, 6)] if is_drawable(duration) else [])])
    points = sorted({min([0.0, *known]), *known, 0.0, last})
    cut = choose_breaks(points, focus)
    steps = [later - before for before, later in itertools.pairwise(points)]
    straight = sum(step for place, step in enumerate(steps) if place not in cut)
    scale = (right - left - BREAK_WIDTH * len(cut)) / straight if straight > 0 else 0.0
    x = left
    knots = [(points[0], x)]
    for place, step in enumerate(steps):
        x += BREAK_WIDTH if place in cut else step * scale
        knots.append((points[place + 1], min(x, right)))
    return Axis(tuple(knots), tuple((points[place], points[place + 1]) for place in sorted(cut)))


def choose_breaks(points: Sequence[float], focus: tuple[float, float] | None) -> frozenset[int]:
    """Return which of the times between neighbouring points are cut, the longest first.

    One is cut when it squashes all the rest, or when it is outside of the focus while that is not seen well.
    Short times never are, and a second at least is left straight.
    """
    steps = {place: later - before for place, (before, later) in enumerate(itertools.pairwise(points))}
    first, last = focus or (-math.inf, math.inf)
    inside = {place for place in steps if points[place] >= first and points[place + 1] <= last}
    straight = dict(steps)
    for place in sorted(steps, key=lambda place: (-steps[place], place)):
        step, whole = steps[place], sum(straight.values())
        seen = sum(straight[other] for other in inside if other in straight)
        squashes = step > SQUASHING_SHARE * whole
        hides = place not in inside and seen < FOCUS_SHARE * whole and step > HIDING_SHARE * whole
        enough = len(steps) - len(straight) < MOST_BREAKS and step >= SHORTEST_BREAK_SECONDS
        if enough and (squashes or hides) and whole - step >= LEAST_STRAIGHT_SECONDS:
            del straight[place]
    return frozenset(steps.keys() - straight.keys())


def list_ticks(axis: Axis, room: float) -> list[float]:
    """Return the seconds to write under the axis: round ones, `room` apart at least, one after each break."""
    starts = [axis.knots[0][0], *(later for _, later in axis.breaks)]
    ends = [*(before for before, _ in axis.breaks), axis.end_seconds]
    stretches = list(zip(starts, ends, strict=True))
    step = _round_step(sum(later - before for before, later in stretches) / TICKS)
    ticks: list[float] = []
    for before, later in stretches:
        counts = range(math.ceil(before / step), math.floor(later / step) + 1)
        for moment in [float(f"{count * step:.9g}") for count in counts] or [before]:
            if all(abs(axis.place(moment) - axis.place(other)) >= room for other in ticks):
                ticks.append(moment)
    return ticks


def _round_step(seconds: float) -> float:
    """Return 1, 2 or 5 times a power of ten, from `seconds` up."""
    if seconds <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(seconds))
    return float(next((power * factor for factor in (1, 2, 5) if seconds <= power * factor), power * 10))
