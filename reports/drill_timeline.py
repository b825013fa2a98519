"""The drawing of a drill: lanes over one axis in seconds, the RTO and its parts as a bracket above them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from nonreg.model import DrillEventKind, DrillRecord, Interruption
from reports import svg, text
from reports.document import Chart
from reports.drill_axis import CUT_WIDTH, Axis, draw_axis, is_drawable, list_ticks
from reports.drill_facts import (
    find_longest,
    list_faults_at,
    order_events,
    point_seconds,
    say_interruption,
    say_seconds,
)
from reports.drill_lanes import CLIENTS_DRAWN, LEFT, RIGHT, Lane, Numbered, lay_clients, lay_sites, measure
from reports.drill_marks import draw_mark, lay_faults, lay_marks
from reports.drill_recovery import lay_recovery, place_recovery, say_parts
from reports.svg import INK, LINE, PALE, SOFT, STRONG

WIDTH = 640
MARKS_DRAWN = 250
TICK_ROOM = 32.0
LEGEND = (
    ((DrillEventKind.FAULT, True), "panne"),
    ((DrillEventKind.HEALED, True), "guérison"),
    ((DrillEventKind.ALARM, True), "alarme"),
    ((DrillEventKind.OPERATOR, True), "opérateur : demandé"),
    ((DrillEventKind.OPERATOR, False), "répondu"),
    ((DrillEventKind.TOOL, True), "outil"),
    ((DrillEventKind.NOTE, True), "autre"),
)


def draw_timeline(record: DrillRecord, key: str) -> Chart:
    """Return the drawing; `key` names it in the page."""
    numbered = enumerate(order_events(record), 1)
    events = [(n, event) for n, event in numbered if is_drawable(event.at_seconds)][:MARKS_DRAWN]
    axis = draw_axis(_list_moments(record, events), record.duration_seconds, find_focus(record), LEFT, RIGHT)
    parts = say_parts(place_recovery(record)[1])
    top = 16.0 if parts else 8.0
    under = [svg.label(WIDTH - 4, 11, parts, 9, INK, "end")] if parts else []
    over: list[str] = []
    y = top
    for lane in _list_lanes(record, events, axis):
        under += [svg.line(0, y, WIDTH, y, PALE), svg.label(4, y + lane.name_at, lane.name, 9, INK)]
        drawn = lane.draw(y)
        under += drawn.shapes
        over += drawn.words
        y += lane.height
    faults = [axis.place(moment) for moment in list_faults_at(record) if is_drawable(moment)]
    over = [*(svg.line(x, top, x, y, STRONG, "2 3") for x in faults), *_cut_lanes(axis, top, y), *over]
    over += _draw_axis(axis, y)
    legend, y = _draw_legend({event.kind for _, event in events}, y + (40 if axis.breaks else 28))
    title = f"Chronologie de {text.known(record.scenario_id)}"
    description = describe_timeline(record, axis, len(events))
    return svg.frame([*under, *over, *legend], WIDTH, math.ceil(y), key, title, description)


def find_focus(record: DrillRecord) -> tuple[float, float] | None:
    """Return the longest interruption of the writers, else of any client: what a reader looks for first."""
    writers = [client for client in record.clients if client.writes and client.interruptions]
    seen = [
        gap
        for client in writers or record.clients
        for gap in client.interruptions
        if is_drawable(gap.from_seconds) and is_drawable(gap.to_seconds)
    ]
    longest = max(seen, key=lambda gap: gap.seconds, default=None)
    return (longest.from_seconds, longest.to_seconds) if longest else None


def _list_lanes(record: DrillRecord, events: Sequence[Numbered], axis: Axis) -> list[Lane]:
    """Return every lane, from what clients saw to what was done."""
    return [
        *lay_recovery(record, axis),
        *lay_clients(record.clients, axis),
        *lay_sites(events, axis),
        *lay_faults(events, record.healings, axis),
        *lay_marks("Alarmes", (DrillEventKind.ALARM,), events, axis),
        *lay_marks("Opérateur", (DrillEventKind.OPERATOR,), events, axis),
        *lay_marks("Outil de bascule", (DrillEventKind.TOOL,), events, axis),
        *lay_marks("Autres moments", (DrillEventKind.STEADY, DrillEventKind.NOTE), events, axis),
    ]


def _list_moments(record: DrillRecord, events: Sequence[Numbered]) -> Iterator[float | None]:
    """Yield everything that has a place on the axis: between two of them nothing happened."""
    whole, parts = place_recovery(record)
    yield from (event.at_seconds for _, event in events)
    for client in record.clients:
        for gap in client.interruptions:
            yield from (gap.from_seconds, gap.to_seconds)
    for healing in record.healings:
        yield from (healing.injected_seconds, healing.healed_seconds)
    yield from whole or ()
    for part in parts:
        yield from part.span or ()


def _cut_lanes(axis: Axis, top: float, bottom: float) -> list[str]:
    """Return a white cut through all lanes where time is left out."""
    drawn = []
    for x in axis.list_cuts():
        edges = (x - CUT_WIDTH / 2, x + CUT_WIDTH / 2)
        drawn.append(svg.box(edges[0], top, CUT_WIDTH, bottom - top, "#ffffff", "#ffffff"))
        drawn += [svg.line(edge, top, edge, bottom, SOFT, "1 2") for edge in edges]
    return drawn


def _draw_axis(axis: Axis, y: float) -> list[str]:
    drawn = [svg.line(LEFT, y, RIGHT, y, INK), svg.label(4, y + 13, "Secondes", 9, SOFT)]
    for moment in list_ticks(axis, TICK_ROOM):
        x = axis.place(moment)
        words = text.format_number(round(moment, 2))
        half = measure(words, 9) / 2
        drawn += [
            svg.line(x, y, x, y + 4, INK),
            svg.label(min(x, WIDTH - half), y + 13, words, 9, SOFT, "middle"),
        ]
    if axis.breaks:
        drawn.append(svg.label(4, y + 25, "Temps non dessiné", 9, SOFT))
    for before, later in axis.breaks:
        x = (axis.place(before) + axis.place(later)) / 2
        drawn += [svg.line(edge - 2, y + 4, edge + 2, y - 4, INK, width=1.2) for edge in (x - 3, x + 3)]
        drawn.append(svg.label(x, y + 25, f"{point_seconds(later - before)}\u00a0s", 8, SOFT, "middle"))
    return drawn


def _draw_legend(kinds: set[DrillEventKind], y: float) -> tuple[list[str], float]:
    """Return the shapes that are used with their words, and where the drawing ends."""
    drawn, x = [svg.line(0, y - 4, WIDTH, y - 4, LINE)], 8.0
    if DrillEventKind.STEADY in kinds:
        kinds = {*kinds, DrillEventKind.NOTE}
    for (kind, is_first), word in LEGEND:
        if kind in kinds:
            drawn += [draw_mark(kind, x, y + 8, is_first), svg.label(x + 9, y + 11, word, 9, INK)]
            x += len(word) * 4.8 + 26
    return (drawn, y + 18) if kinds - {DrillEventKind.ROLE} else ([], y)


def _say_span(gap: Interruption) -> str:
    end = "sans réponse ensuite" if gap.open_ended else f"à {point_seconds(gap.to_seconds)} s"
    return f"de {point_seconds(gap.from_seconds)} {end}"


def describe_timeline(record: DrillRecord, axis: Axis, drawn: int) -> str:
    """Return the drawing in words, for those who do not see it; the moments are in the table under it."""
    first, last = (text.format_number(round(end, 2)) for end in (axis.knots[0][0], axis.end_seconds))
    said = [f"De {first} à {last} s."]
    for client in record.clients[:CLIENTS_DRAWN]:
        longest = find_longest(client)
        name = text.shorten(text.known(client.title or client.client), 60, "…")
        if longest is None:
            said.append(f"{name} : aucune interruption.")
        else:
            said.append(f"{name} : interrompu {say_interruption(longest)}, {_say_span(longest)}.")
    if record.recovery and record.recovery.total_seconds is not None:
        said.append(f"RTO {say_seconds(record.recovery.total_seconds)}.")
    if axis.breaks:
        cut = sum(later - before for before, later in axis.breaks)
        said.append(f"Axe coupé {len(axis.breaks)} fois ({say_seconds(cut)} où rien ne se passe).")
    for left, one, many in (
        (len(record.clients) - CLIENTS_DRAWN, "client non dessiné", "clients non dessinés"),
        (len(record.events) - drawn, "moment non dessiné", "moments non dessinés"),
    ):
        if left > 0:
            said.append(f"{text.plural(left, one, many)}, voir les tableaux.")
    return " ".join(said)
