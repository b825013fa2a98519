"""The lanes of what was done in a drill: faults and how long they were there, marks with their numbers.

Each kind of moment has its own shape; its number is that of the table of moments.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from nonreg.model import DrillEventKind, Healing
from reports import svg
from reports.drill_axis import Axis, is_drawable
from reports.drill_lanes import LEFT, RIGHT, Drawn, Lane, Numbered, measure
from reports.svg import INK, SOFT, STRONG

FAULT_ROWS = 4
NUMBER_ROOM = 14.0


def lay_faults(events: Sequence[Numbered], healings: Sequence[Healing], axis: Axis) -> list[Lane]:
    """Return the lane of what was broken: marks, and under them a solid bar a fault, striped when never healed."""
    marks = [(n, e) for n, e in events if e.kind in (DrillEventKind.FAULT, DrillEventKind.HEALED)]
    rows = pack_faults(healings, axis)
    if not marks and not rows:
        return []
    above = 26 if marks else 4

    def draw(top: float) -> Drawn:
        drawn = _draw_marks(marks, axis, top)
        for row, spans in enumerate(rows):
            for begin, end, is_healed in spans:
                shape = svg.solid if is_healed else svg.striped
                drawn.shapes.append(shape(begin, top + above + row * 9, max(1.5, end - begin), 6))
        return drawn

    return [Lane("Pannes", above + 9 * len(rows) + 2, draw)]


def pack_faults(healings: Sequence[Healing], axis: Axis) -> list[list[tuple[float, float, bool]]]:
    """Return the faults as (from, to, healed) places in rows where none is over another, as far as rows go."""
    spans = []
    for healing in healings:
        if is_drawable(healing.injected_seconds):
            end = healing.healed_seconds
            begin = min(axis.place(healing.injected_seconds), RIGHT - 2)
            last = axis.place(end) if is_drawable(end) else RIGHT
            spans.append((begin, max(begin + 1.5, last), is_drawable(end)))
    rows: list[list[tuple[float, float, bool]]] = []
    for begin, end, is_healed in sorted(spans):
        free = next((row for row in rows if row[-1][1] + 2 <= begin), None)
        if free is None and len(rows) < FAULT_ROWS:
            rows.append(free := [])
        (rows[-1] if free is None else free).append((begin, end, is_healed))
    return rows


def lay_marks(
    name: str, kinds: Sequence[DrillEventKind], events: Sequence[Numbered], axis: Axis
) -> list[Lane]:
    """Return the lane of these kinds of moments; none without any."""
    marks = [(number, event) for number, event in events if event.kind in kinds]
    return [Lane(name, 26, lambda top: _draw_marks(marks, axis, top))] if marks else []


def _draw_marks(marks: Sequence[Numbered], axis: Axis, top: float) -> Drawn:
    """A line joins what was asked of a person to the answer."""
    asked: dict[str, float] = {}
    drawn = Drawn([], [])
    for _, event in marks:
        x, is_demand = axis.place(event.at_seconds), True
        if event.kind is DrillEventKind.OPERATOR:
            is_demand = event.subject not in asked
            if not is_demand:
                drawn.shapes.append(svg.line(asked[event.subject], top + 8, x, top + 8, INK, width=1.2))
            asked[event.subject] = x
        drawn.words.append(draw_mark(event.kind, x, top + 8, is_demand))
    places = [(number, axis.place(event.at_seconds)) for number, event in marks]
    drawn.words += _number_marks(places, top + 23)
    return drawn


def draw_mark(kind: DrillEventKind, x: float, y: float, is_demand: bool = True) -> str:
    """Return the shape of a kind of moment around a place; a person's answer is filled, a demand is not."""
    if kind is DrillEventKind.FAULT:
        return _draw_shape(((x - 4.5, y - 4), (x + 4.5, y - 4), (x, y + 4)), STRONG)
    if kind is DrillEventKind.HEALED:
        return _draw_shape(((x - 4.5, y + 4), (x + 4.5, y + 4), (x, y - 4)), "#ffffff")
    if kind is DrillEventKind.ALARM:
        return _draw_shape(((x, y - 5), (x + 4.5, y), (x, y + 5), (x - 4.5, y)), INK)
    if kind is DrillEventKind.TOOL:
        return svg.box(x - 3.5, y - 3.5, 7, 7, INK, INK)
    if kind is DrillEventKind.OPERATOR:
        fill = "#ffffff" if is_demand else INK
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{fill}" stroke="{INK}"/>'
    return svg.line(x, y - 4, x, y + 4, INK, width=1.5)


def _draw_shape(corners: Sequence[tuple[float, float]], fill: str) -> str:
    path = "L".join(f"{x:.1f} {y:.1f}" for x, y in corners)
    return f'<path d="M{path}Z" fill="{fill}" stroke="{INK}" stroke-width="0.8"/>'


def _number_marks(marks: Sequence[tuple[int, float]], y: float) -> Iterator[str]:
    """Yield the numbers of the moments; those too near to be written one by one are written together."""
    groups: list[list[tuple[int, float]]] = []
    for number, x in marks:
        if groups and x - groups[-1][-1][1] < NUMBER_ROOM:
            groups[-1].append((number, x))
        else:
            groups.append([(number, x)])
    taken = 0.0
    for group in groups:
        words = _say_numbers([number for number, _ in group])
        half = measure(words, 8) / 2
        at = min(max((group[0][1] + group[-1][1]) / 2, LEFT + half), RIGHT + 8 - half)
        if at - half >= taken:
            taken = at + half
            yield svg.box(at - half, y - 8, 2 * half, 9, "#ffffff", "#ffffff")
            yield svg.label(at, y, words, 8, SOFT, "middle")


def _say_numbers(numbers: Sequence[int]) -> str:
    first, last = numbers[0], numbers[-1]
    if len(numbers) == 1:
        return str(first)
    if len(numbers) == 2:
        return f"{first}, {last}"
    return f"{first}–{last}" if last - first == len(numbers) - 1 else f"{first} … {last}"
