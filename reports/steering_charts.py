"""Drawings of what changes from month to month, or from week to week: the same values give the same bytes.

Readable in black and white: grey bars, the last one solid, each with its value over it; what is not known is « n.d. »
and no bar. Every drawing has a table beside. Inside there are only numbers, dates and our own words.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from reports import svg, text
from reports.document import Chart
from reports.svg import INK, LINE, SOFT

WIDE, SMALL = 640, 312
LARGEST = 1e9


def draw_columns(
    values: Sequence[float | None],
    labels: Sequence[str],
    key: str,
    title: str,
    description: str,
    small: bool = False,
) -> Chart:
    """Return one bar a moment, as tall as its value; values are not negative, what cannot be drawn is « n.d. »."""
    width, height = (SMALL, 118) if small else (WIDE, 150)
    left, right, top, bottom = 6, 6, 18, height - 28
    known = [value if value is not None and _is_drawable(value) else None for value in values]
    highest = max([1.0, *(value for value in known if value is not None)])
    slot = (width - left - right) / max(1, len(known))
    bar = min(slot * 0.66, 34.0)
    size = 7 if small else 9
    parts = [svg.line(left, bottom, width - right, bottom, LINE)]
    for place, (value, label) in enumerate(zip(known, labels, strict=True)):
        middle = left + slot * (place + 0.5)
        if value is None:
            parts.append(svg.label(middle, bottom - 4, text.NOT_KNOWN, size, SOFT, "middle"))
        else:
            tall = (bottom - top) * value / highest
            is_last = place == len(known) - 1
            draw = svg.box if value else None
            if draw is not None:
                fill = INK if is_last else svg.LINE
                parts.append(draw(middle - bar / 2, bottom - tall, bar, tall, fill, INK))
            words = text.format_number(round(value, 1))
            parts.append(svg.label(middle, bottom - tall - 4, words, size, INK, "middle"))
        for line, word in enumerate(label.split(" ", 1)):
            parts.append(svg.label(middle, bottom + 10 + 9 * line, word, size, SOFT, "middle"))
    return svg.frame(parts, width, height, key, title, description)


def _is_drawable(value: float) -> bool:
    return math.isfinite(value) and 0 <= value < LARGEST
