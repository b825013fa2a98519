"""What an adapter does. It knows nothing of outboxes: each method asks or writes once, and says how it went.

    Unreachable, RequestFailed (5xx, 429)     not now: the outbox tries again, in order
    AccessDenied                              the key is wrong, or was revoked: everything waits, and somebody is told
    TicketDenied                              our account is known, but may not write there: this ticket waits alone
    TicketUnknown, NoteRefused                never: this one is put aside and told, the others go on

Every write carries a key, which stands in what is written (`mark_text`): whoever is not sure that a write arrived asks
for the key before it writes again. That is how a note is delivered once and only once over a link that may be lost
after the write and before the answer.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from typing import Protocol

from nonreg.errors import AccessDenied, RequestFailed
from nonreg.model.tracker import Attachment, NewTicket, Ticket, TicketNote, TimeEntry

MARK = "aquareel-nonreg:"
KEY = re.compile(r"[A-Za-z0-9._-]{8,80}")


class TicketUnknown(RequestFailed):
    """The platform has no such ticket, or does not show it to this account."""


class TicketDenied(AccessDenied):
    """The platform knows our account and refuses this write alone: a role that is limited, a ticket that is locked."""


class NoteRefused(RequestFailed):
    """The platform will never take this text or this file: too large, a field that it does not know."""


def nobody() -> None:
    """Where nobody has to know that a write begins."""


class Tracker(Protocol):
    """One tracking platform, one project of it, one account; use it in one thread."""

    @property
    def name(self) -> str:
        """What it is, in French, for sentences: « Redmine https://… », « suivi local DOSSIER »."""
        ...

    def check(self) -> str:
        """The login that the key belongs to; AccessDenied when there is none, whatever the project shows to anybody."""
        ...

    def find_ticket(self, reference: str) -> Ticket:
        """The ticket; TicketUnknown when there is none. UsageError for a reference of another prefix."""
        ...

    def list_tickets(self, *, open_only: bool, updated_since: datetime | None = None) -> tuple[Ticket, ...]:
        """Every ticket of the project, by number; all pages are read."""
        ...

    def list_notes(self, reference: str) -> tuple[TicketNote, ...]:
        """The notes of a ticket, oldest first."""
        ...

    def holds_note(self, reference: str, key: str) -> bool:
        """True when a note with that key stands in the ticket."""
        ...

    def add_note(
        self,
        reference: str,
        key: str,
        text: str,
        attachments: tuple[Attachment, ...],
        announce: Callable[[], None] = nobody,
    ) -> None:
        """Write one note with its files, as one change: the note never stands without the files that it names.

        `text` is Markdown-like plain text that ends up with `mark_text`; the caller has asked `holds_note`.
        `announce` is called just before the note itself is sent: its files may have taken minutes.
        """
        ...

    def find_opened(self, key: str) -> Ticket | None:
        """The ticket that was opened with that key, open or closed; the oldest when somebody doubled it."""
        ...

    def open_ticket(
        self, new: NewTicket, attachments: tuple[Attachment, ...], announce: Callable[[], None] = nobody
    ) -> str:
        """Open a ticket and return its reference, announced in the same way; the caller has asked `find_opened`."""
        ...

    def list_time(self, first: date, last: date) -> tuple[TimeEntry, ...]:
        """Hours booked in the project on these days, both included; UsageError when the platform books none."""
        ...

    def close(self) -> None:
        """Close its connections."""
        ...


def mark_text(text: str, key: str) -> str:
    """The text with its key on the last line, where people see that a machine wrote it and which event it tells."""
    if not KEY.fullmatch(key):
        raise ValueError(f"not a key: {key!r}")
    return f"{text.rstrip()}\n\n[{MARK}{key}]"


def holds_mark(text: str, key: str) -> bool:
    """True when a text carries that key."""
    return f"[{MARK}{key}]" in text
