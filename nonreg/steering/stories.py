"""What became of a ticket, and when: from its fields and, where they were read, its notes. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from nonreg.model.steering import CountedTicket, Severity
from nonreg.model.tracker import Ticket, TicketNote, TicketState
from nonreg.steering.settings import SteeringSettings
from nonreg.tracker.protocol import MARK

TITLE_CHARACTERS = 160


@dataclass(frozen=True, slots=True)
class Move:
    """A ticket takes a state."""

    at: datetime
    state: TicketState


@dataclass(frozen=True, slots=True)
class Story:
    """A ticket over time: `moves` begin with its opening and alternate, oldest first.

    `answered_at` is the first note of the team; None when there is none, or when nobody read the notes.
    """

    reference: str
    title: str
    kind: str
    severity: Severity
    moves: tuple[Move, ...]
    answered_at: datetime | None = None
    has_notes: bool = False
    due: date | None = None
    assignee: str = ""
    updated_at: datetime | None = None

    def is_untold(self, since: datetime) -> bool:
        """True when something happened to it from that instant on, and nobody read its notes."""
        return not self.has_notes and (self.updated_at is None or self.updated_at >= since)

    @property
    def opened_at(self) -> datetime:
        """When it came."""
        return self.moves[0].at

    @property
    def closed_at(self) -> datetime | None:
        """Its last closing, None while it is open."""
        return self.moves[-1].at if self.moves[-1].state is TicketState.CLOSED else None

    def is_open(self, at: datetime) -> bool:
        """True when it was open just before an instant."""
        place = bisect_left([move.at for move in self.moves], at)
        return place > 0 and self.moves[place - 1].state is TicketState.OPEN

    def list_closings(self) -> tuple[datetime, ...]:
        """Every time that it was closed."""
        return tuple(move.at for move in self.moves if move.state is TicketState.CLOSED)

    def list_reopenings(self) -> tuple[datetime, ...]:
        """Every time that it was opened again."""
        return tuple(move.at for move in self.moves[1:] if move.state is TicketState.OPEN)


def count_ticket(story: Story) -> CountedTicket:
    """A ticket as the indicators see it."""
    return CountedTicket(
        story.reference,
        story.kind,
        story.severity,
        story.opened_at,
        story.answered_at,
        story.list_closings(),
        story.list_reopenings(),
    )


def tell_story(ticket: Ticket, notes: Sequence[TicketNote] | None, settings: SteeringSettings) -> Story:
    """The story of a ticket; without its notes, what its fields alone say."""
    answers = [
        note.at
        for note in notes or ()
        if settings.is_of_team(note.author) and f"[{MARK}" not in note.text and note.at >= ticket.opened_at
    ]
    title = " ".join(ticket.title[: 4 * TITLE_CHARACTERS].split())
    return Story(
        reference=ticket.reference,
        title=title if len(title) <= TITLE_CHARACTERS else title[: TITLE_CHARACTERS - 1].rstrip() + "…",
        kind=settings.class_kind(ticket.kind),
        severity=settings.class_severity(ticket.priority, ticket.kind),
        moves=list_moves(ticket, notes or ()),
        answered_at=min(answers, default=None),
        has_notes=notes is not None,
        due=ticket.due,
        assignee=ticket.assignee,
        updated_at=ticket.updated_at,
    )


def list_moves(ticket: Ticket, notes: Iterable[TicketNote]) -> tuple[Move, ...]:
    """The states that a ticket took, its present one last whatever the notes say."""
    told = [Move(note.at, note.became) for note in notes if note.became is not None]
    moves = [Move(ticket.opened_at, TicketState.OPEN)]
    for move in sorted(told, key=lambda one: one.at):
        if move.state is not moves[-1].state and move.at >= moves[-1].at:
            moves.append(move)
    if moves[-1].state is not ticket.state:
        at = (ticket.closed_at if ticket.state is TicketState.CLOSED else None) or ticket.updated_at
        moves.append(Move(max(at, moves[-1].at), ticket.state))
    return tuple(moves)
