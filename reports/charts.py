"""Drawings of the past campaigns: the same values give the same bytes.

Readable in black and white: what failed is solid, what is doubtful is striped, what passed is outlined, and
every figure is also in a table. Inside a drawing there are only numbers, dates and our own words, so that
its font can draw them; names that come from the platform are in the title and the description.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from reports import svg, text
from reports.document import Chart
from reports.svg import INK, LINE, SIGNS, SOFT, STRONG

WIDTH = 640
LEVEL_NAME_HEIGHT = 9.0
LARGEST = 1e12  # beyond it a value is no duration: it is left out of the drawing, not of the table


@dataclass(frozen=True, slots=True)
class Bar:
    """One campaign: its number, the sign of its verdict, and its scenarios by how they ended."""

    number: str
    sign: str
    failed: int
    other: int
    passed: int


@dataclass(frozen=True, slots=True)
class Level:
    """A horizontal dashed line at a value, with its name."""

    value: float
    name: str


def draw_bars(bars: Sequence[Bar], key: str, title: str, description: str) -> Chart:
    """Return stacked bars, one a campaign, what failed at the bottom where it can be compared."""
    height, left, right, top, bottom = 190, 58, 6, 28, 144
    highest = max([1, *(bar.failed + bar.other + bar.passed for bar in bars)])
    slot = (WIDTH - left - right) / max(1, len(bars))
    width = min(slot * 0.72, 40.0)
    parts = [svg.label(left - 6, 14, "Verdict", 9, SOFT, "end")]
    for share in (0, highest):
        y = bottom - (bottom - top) * share / highest
        parts += [
            svg.line(left, y, WIDTH - right, y, LINE),
            svg.label(left - 6, y + 3, text.format_number(share), 9, SOFT, "end"),
        ]
    for place, bar in enumerate(bars):
        x = left + slot * place + (slot - width) / 2
        middle, y = x + width / 2, float(bottom)
        for count, draw in ((bar.failed, svg.solid), (bar.other, svg.striped), (bar.passed, svg.outlined)):
            if count:
                size = max(2.0, (bottom - top) * count / highest)  # a single failure must be seen
                size = min(size, y - top)
                y -= size
                parts.append(draw(x, y, width, size))
        parts += [
            svg.label(middle, 15, bar.sign, 12, INK, "middle", SIGNS),
            svg.label(middle, bottom + 13, bar.number, 8, SOFT, "middle"),
            svg.label(middle, bottom + 25, text.format_number(bar.failed), 8, STRONG if bar.failed else SOFT,
                  "middle", weight="bold" if bar.failed else "normal"),
        ]  # fmt: skip
    parts += [
        svg.label(left - 6, bottom + 13, "Campagne", 9, SOFT, "end"),
        svg.label(left - 6, bottom + 25, "Échecs", 9, SOFT, "end"),
    ]
    x = float(left)
    for draw, word in ((svg.solid, "échoués"), (svg.striped, "autres"), (svg.outlined, "réussis")):
        parts += [draw(x, bottom + 34, 12, 9), svg.label(x + 17, bottom + 42, word, 9, INK)]
        x += 80
    return svg.frame(parts, WIDTH, height, key, title, description)


def draw_trend(
    values: Sequence[float | None],
    key: str,
    title: str,
    description: str,
    unit: str = "",
    levels: Sequence[Level] = (),
    small: bool = False,
) -> Chart:
    """Return a line over the campaigns; the last value, this campaign's, is a large solid dot.

    A value that is not known leaves a gap in the line. Values are finite or left out.
    """
    width, height = (312, 96) if small else (WIDTH, 120)
    left, top, bottom = 44 if small else 58, 16, height - 18
    right = 50 if levels else 12  # the names of the levels are beside the drawing, not over the dots
    points = [value if value is not None and _is_drawable(value) else None for value in values]
    lines = [level for level in levels if _is_drawable(level.value)]
    known = [value for value in points if value is not None] + [level.value for level in lines]
    low, high = min([0.0, *known]), _round_up(max([0.0, *known]))
    step = (width - left - right) / max(1, len(points) - 1)

    def place(value: float) -> float:
        return bottom - (bottom - top) * (value - low) / (high - low)

    parts = [svg.label(left - 6, top - 6, unit, 9, SOFT, "end")] if unit else []
    for mark in dict.fromkeys((low, (low + high) / 2, high)):
        y = place(mark)
        parts += [
            svg.line(left, y, width - right, y, LINE),
            svg.label(left - 5, y + 3, text.format_number(_three_digits(mark)), 9, SOFT, "end"),
        ]
    heights = [place(level.value) for level in lines]
    for level, y, name_y in zip(lines, heights, _spread(heights, LEVEL_NAME_HEIGHT), strict=True):
        parts += [
            svg.line(left, y, width - right, y, INK, "5 3"),
            svg.label(width - right + 7, name_y + 3, level.name, 8, INK),
        ]
    parts += _join_points(
        [(left + step * n, place(v)) if v is not None else None for n, v in enumerate(points)]
    )
    parts += [
        svg.label(left, height - 5, "1", 8, SOFT, "middle"),
        svg.label(width - right, height - 5, str(len(points)), 8, SOFT, "middle"),
        svg.label((left + width - right) / 2, height - 5, "campagne n°", 8, SOFT, "middle"),
    ]
    return svg.frame(parts, width, height, key, title, description)


def _spread(heights: Sequence[float], gap: float) -> list[float]:
    """Return the heights moved apart, in the same order, so that no name is written over another."""
    moved = list(heights)
    order = sorted(range(len(moved)), key=moved.__getitem__)
    for above, below in itertools.pairwise(order):
        moved[below] = max(moved[below], moved[above] + gap)
    shift = (moved[order[-1]] - heights[order[-1]]) / 2 if order else 0.0
    return [height - shift for height in moved]


def _join_points(places: Sequence[tuple[float, float] | None]) -> list[str]:
    """Return the line between neighbours, then the dots over it."""
    path, pen = [], "M"
    for place in places:
        if place is None:
            pen = "M"
        else:
            path.append(f"{pen}{place[0]:.1f} {place[1]:.1f}")
            pen = "L"
    parts = [f'<path d="{"".join(path)}" fill="none" stroke="{INK}" stroke-width="1.2"/>'] if path else []
    for number, place in enumerate(places):
        if place is not None:
            is_last = number == len(places) - 1
            fill, radius = (INK, "4") if is_last else ("#ffffff", "1.8")
            parts.append(
                f'<circle cx="{place[0]:.1f}" cy="{place[1]:.1f}" r="{radius}" fill="{fill}" stroke="{INK}"/>'
            )
    return parts


def _is_drawable(value: float) -> bool:
    return math.isfinite(value) and abs(value) < LARGEST


def _round_up(value: float) -> float:
    """Return 1, 2, 2.5, 5 or 10 times a power of ten, from `value` up."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next((power * factor for factor in (1, 2, 2.5, 5) if value <= power * factor), power * 10) or 1.0


def _three_digits(value: float) -> float:
    return float(f"{value:.3g}")
