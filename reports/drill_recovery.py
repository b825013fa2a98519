"""The RTO of a drill as a bracket over its lanes, with the parts that it is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nonreg.model import DrillRecord, Interruption
from reports import svg
from reports.drill_axis import Axis, is_drawable
from reports.drill_facts import list_faults_at, say_seconds
from reports.drill_lanes import RIGHT, Drawn, Lane
from reports.svg import INK


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the RTO: its letter, its name, where it is on the axis (None where nothing tells) and its seconds."""

    letter: str
    name: str
    span: tuple[float, float] | None
    seconds: float


def place_recovery(record: DrillRecord) -> tuple[tuple[float, float] | None, tuple[Part, ...]]:
    """Return the span of the RTO and its parts.

    It ends where the writers' interruption of that length does; the last two parts are counted back from there,
    the detection from the fault.
    """
    found = record.recovery
    if found is None:
        return None, ()
    end = _find_end(record)
    total = found.total_seconds
    whole = (end - total, end) if end is not None and total is not None and is_drawable(total) else None
    declared = _step_back(end, found.reconnection_seconds)
    launched = _step_back(declared, found.switchover_seconds)
    fault = _find_fault(record, whole)
    raised = _step_on(fault, found.detection_seconds)
    ordered = raised if raised is not None else _step_back(launched, found.operator_seconds)
    places = (
        ("a", "détection", fault, raised, found.detection_seconds),
        ("b", "opérateur", ordered, _step_on(ordered, found.operator_seconds), found.operator_seconds),
        ("c", "bascule", launched, declared, found.switchover_seconds),
        ("d", "reconnexion", declared, end, found.reconnection_seconds),
    )
    return whole, tuple(
        Part(letter, name, (first, last) if first is not None and last is not None else None, seconds)
        for letter, name, first, last, seconds in places
        if seconds is not None and is_drawable(seconds)
    )


def _step_on(moment: float | None, seconds: float | None) -> float | None:
    return moment + seconds if moment is not None and seconds is not None and is_drawable(seconds) else None


def _step_back(moment: float | None, seconds: float | None) -> float | None:
    return moment - seconds if moment is not None and seconds is not None and is_drawable(seconds) else None


def _find_end(record: DrillRecord) -> float | None:
    """Return when the first write was acknowledged again: the end of the interruption nearest to the RTO."""
    total = record.recovery.total_seconds if record.recovery else None
    seen: list[Interruption] = [
        gap
        for client in record.clients
        if client.writes
        for gap in client.interruptions
        if not gap.open_ended and is_drawable(gap.from_seconds) and is_drawable(gap.to_seconds)
    ]
    if total is None or not is_drawable(total) or not seen:
        return None
    return min(seen, key=lambda gap: abs(gap.seconds - total)).to_seconds


def _find_fault(record: DrillRecord, whole: tuple[float, float] | None) -> float | None:
    """Return the fault that the RTO begins with: the first one in it, else the last before, else the first."""
    faults = [moment for moment in list_faults_at(record) if is_drawable(moment)]
    if whole is None:
        return faults[0] if faults else None
    inside = [moment for moment in faults if whole[0] <= moment <= whole[1]]
    before = [moment for moment in faults if moment < whole[0]]
    return inside[0] if inside else before[-1] if before else None


def say_parts(parts: Sequence[Part]) -> str:
    """Return the parts with their figures, to be written above the bracket."""
    return " · ".join(f"{part.letter} {part.name} {say_seconds(part.seconds)}" for part in parts)


def lay_recovery(record: DrillRecord, axis: Axis) -> list[Lane]:
    """Return the bracket of the whole RTO and, under it, its parts."""
    whole, parts = place_recovery(record)
    lanes = []
    if whole is not None and record.recovery:
        begin, end = axis.place(whole[0]), axis.place(whole[1])

        def draw_whole(top: float) -> Drawn:
            edges = [svg.line(x, top + 5, x, top + 13, INK, width=1.5) for x in (begin, end)]
            return Drawn([svg.line(begin, top + 9, end, top + 9, INK, width=1.5), *edges], [])

        lanes.append(Lane(f"RTO {say_seconds(record.recovery.total_seconds)}", 18, draw_whole))
    placed = [(part, part.span) for part in parts if part.span is not None]
    if placed:
        lanes.append(Lane("Parts", 26, lambda top: _draw_parts(placed, axis, top)))
    return lanes


def _draw_parts(parts: Sequence[tuple[Part, tuple[float, float]]], axis: Axis, top: float) -> Drawn:
    drawn = Drawn([], [])
    letters = []
    for part, (first, last) in parts:
        begin = min(axis.place(first), RIGHT - 2)
        end = max(axis.place(last), begin + 2)
        drawn.shapes.append(SHAPES[part.letter](begin, top + 4, end - begin, 8))
        letters.append((sum(axis.find_widest(begin, end)) / 2, part.letter))
    x = 0.0
    for middle, letter in sorted(letters):
        x = max(middle, x + 9)
        drawn.words.append(svg.label(x, top + 22, letter, 9, INK, "middle", weight="bold"))
    return drawn


def _filled(x: float, y: float, width: float, height: float) -> str:
    return svg.box(x, y, width, height, INK, INK)


def _empty(x: float, y: float, width: float, height: float) -> str:
    return svg.box(x, y, width, height, "#ffffff", INK)


SHAPES = {"a": svg.striped, "b": svg.outlined, "c": _filled, "d": _empty}
