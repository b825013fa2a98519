"""Tickets as a tracking platform knows them, and what we write there; pure data.

Texts are what people typed: never trusted, never markup. A number is the platform's own (Redmine issue, GitLab iid);
a reference is the site's prefix and that number: AQ-12.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum


class TicketState(StrEnum):
    """Whether a ticket may still be worked for."""

    OPEN = "ouvert"
    CLOSED = "fermé"


@dataclass(frozen=True, slots=True)
class Ticket:
    """One ticket; `status`, `kind` and `priority` are the platform's own words, `fields` its custom fields by name."""

    reference: str
    title: str
    state: TicketState
    status: str
    kind: str
    priority: str
    opened_at: datetime
    updated_at: datetime
    closed_at: datetime | None = None
    due: date | None = None
    assignee: str = ""
    description: str = ""
    fields: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class TicketNote:
    """A note that stands in a ticket, ours or anybody's; `became` is the state that it says, None when it says none."""

    at: datetime
    author: str
    text: str
    became: TicketState | None = None


@dataclass(frozen=True, slots=True)
class TimeEntry:
    """Hours spent for a ticket (empty when they were booked on the project) on a day."""

    ticket: str
    day: date
    hours: float
    activity: str
    author: str
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file to join: its name there, and its bytes."""

    name: str
    content: bytes
    media_type: str


@dataclass(frozen=True, slots=True)
class NewTicket:
    """A ticket to open; `key` is what makes it the only one of its kind (a regression's fingerprint)."""

    key: str
    title: str
    text: str
