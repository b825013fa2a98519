"""The lanes of a drill's drawing that last: one a client, one a site.

Nothing is told by a colour alone: a service is a thick line and its interruption a hole with its seconds, a
role is a filled, an outlined or a dashed strip with its word.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from nonreg.model import ClientSummary, DrillEvent, DrillEventKind, Interruption, SiteRole
from reports import svg
from reports.drill_axis import Axis, is_drawable
from reports.drill_facts import say_interruption
from reports.svg import INK, PALE, SOFT, STRONG

LEFT, RIGHT = 128.0, 618.0
WIDEST_LETTER = 0.6  # of the size of a letter: what words take at most, in any of the fonts
NAME_CHARACTERS = 22
CLIENTS_DRAWN = 10
SITES_DRAWN = 6
GAPS_DRAWN = 40
UNKNOWN_ROLE = "rôle inconnu"
DENIALS = {"PLUS", "PAS", "NON", "NI", "ÉTAIT", "AUCUN"}
_DRAWN_NAME = re.compile("[ -~\u00a0-\u00ac\u00ae-\u00ff\u0152\u0153\u2013\u2019]+")

Numbered: TypeAlias = tuple[int, DrillEvent]


@dataclass(slots=True)
class Drawn:
    """Shapes, which a cut of the axis goes through, and words, which are written over it."""

    shapes: list[str]
    words: list[str]


@dataclass(frozen=True, slots=True)
class Lane:
    """A strip of the drawing: its name, its height, how it is drawn from its top, where its name is written."""

    name: str
    height: float
    draw: Callable[[float], Drawn]
    name_at: float = 13.0


def measure(words: str, size: float) -> float:
    """Return the width that words surely fit in."""
    return len(words) * size * WIDEST_LETTER


def name_lane(name: str, kind: str, number: int) -> str:
    """Return the name of a client or a site; numbered where it is too long or a font might not draw it."""
    said = name.strip()
    if not _DRAWN_NAME.fullmatch(said):
        return f"{kind} {number}"
    if len(said) <= NAME_CHARACTERS:
        return said
    return f"{f'{number}. {said}'[: NAME_CHARACTERS - 3].rstrip()}..."


def lay_clients(clients: Sequence[ClientSummary], axis: Axis) -> list[Lane]:
    """Return one lane a client, a hole where it had no answer."""
    return [
        Lane(name_lane(client.title or client.client, "Client", number), 24, _draw_client(client, axis), 19)
        for number, client in enumerate(clients[:CLIENTS_DRAWN], 1)
    ]


def _draw_client(client: ClientSummary, axis: Axis) -> Callable[[float], Drawn]:
    known = (i for i in client.interruptions if is_drawable(i.from_seconds) and is_drawable(i.to_seconds))
    longest_first = sorted(known, key=lambda gap: -gap.seconds)[:GAPS_DRAWN]
    holes = [_place_gap(gap, axis) for gap in longest_first]

    def draw(top: float) -> Drawn:
        middle, x = top + 17, LEFT
        drawn = Drawn([], [])
        for begin, end, edges in sorted(holes):
            if begin > x:
                drawn.shapes.append(svg.line(x, middle, begin, middle, INK, width=5))
            drawn.shapes += [svg.line(edge, middle - 5, edge, middle + 5, INK, width=1.2) for edge in edges]
            x = max(x, end)
        if x < RIGHT:
            drawn.shapes.append(svg.line(x, middle, RIGHT, middle, INK, width=5))
        taken: list[tuple[float, float]] = []
        for gap, hole in zip(longest_first, holes, strict=True):
            words = say_interruption(gap)
            half = measure(words, 9) / 2
            at = min(max(sum(axis.find_widest(*hole[:2])) / 2, LEFT + half), RIGHT - half)
            if all(abs(at - other) >= half + width for other, width in taken):
                taken.append((at, half))
                drawn.words.append(svg.box(at - half, top + 1, 2 * half, 10, "#ffffff", "#ffffff"))
                drawn.words.append(svg.label(at, top + 9, words, 9, STRONG, "middle", weight="bold"))
        return drawn

    return draw


def _place_gap(gap: Interruption, axis: Axis) -> tuple[float, float, tuple[float, ...]]:
    """Return where an interruption is drawn, the shortest one to be seen, and its edges: no end, no edge.

    A client that had no answer any more is not drawn as served again.
    """
    begin, end = axis.place(gap.from_seconds), axis.place(gap.to_seconds)
    begin, end = min(begin, RIGHT - 3), min(max(end, begin + 3), RIGHT)
    return (begin, RIGHT, (begin,)) if gap.open_ended else (begin, end, (begin, end))


def lay_sites(events: Sequence[Numbered], axis: Axis) -> list[Lane]:
    """Return one lane a site, its role over time as its role events tell it."""
    sites: dict[str, list[DrillEvent]] = {}
    for _, event in events:
        if event.kind is DrillEventKind.ROLE:
            sites.setdefault(event.subject, []).append(event)
    return [
        Lane(name_lane(f"Site {site}", "Site n°", place), 19, _draw_roles(changes, axis))
        for place, (site, changes) in enumerate(itertools.islice(sites.items(), SITES_DRAWN), 1)
    ]


def read_role(said: str) -> SiteRole | None:
    """Return the only role that a text names; None where it names none, several, or denies one."""
    words = set(re.findall(r"\w+", said.upper()))
    roles = [role for role in SiteRole if role.value in words]
    return roles[0] if len(roles) == 1 and not words & DENIALS else None


def _draw_roles(changes: Sequence[DrillEvent], axis: Axis) -> Callable[[float], Drawn]:
    places = [axis.place(event.at_seconds) for event in changes]

    def draw(top: float) -> Drawn:
        drawn = Drawn([svg.line(LEFT, top + 10, places[0], top + 10, SOFT, "1 3")], [])
        for event, begin, end in zip(changes, places, [*places[1:], RIGHT], strict=True):
            _draw_role(drawn, read_role(event.text), (begin, end), axis, top + 4)
        return drawn

    return draw


def _draw_role(
    drawn: Drawn, role: SiteRole | None, span: tuple[float, float], axis: Axis, top: float
) -> None:
    begin, end = span
    ink, ground = ("#ffffff", INK) if role is SiteRole.ACTIF else (INK, PALE)
    if role is None:
        drawn.shapes.append(svg.line(begin, top + 6, end, top + 6, SOFT, "4 3", 1.2))
    else:
        drawn.shapes.append(svg.box(begin, top, end - begin, 12, ground, INK))
    words = role.value if role else UNKNOWN_ROLE
    first, last = axis.find_widest(begin, end)
    width = measure(words, 8)
    if width + 4 <= last - first:
        middle = (first + last) / 2
        if role is None:
            drawn.words.append(svg.box(middle - width / 2, top, width, 12, "#ffffff", "#ffffff"))
        drawn.words.append(svg.label(middle, top + 9, words, 8, ink, "middle", weight="bold"))
