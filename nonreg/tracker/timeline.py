"""One ticket, one history: its notes in the tracker and the events of our ledger, by time (R16)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from nonreg import ledger
from nonreg.config import Platform
from nonreg.errors import NonregError, UsageError
from nonreg.handover.ticket_history import name_executions, tell_event
from nonreg.ledger import LedgerEntry
from nonreg.model.tracker import Ticket, TicketNote
from nonreg.tickets import require_ticket
from nonreg.tracker.collect import is_told
from nonreg.tracker.connection import open_tracker
from nonreg.tracker.outbox import TrackerOutbox
from nonreg.tracker.protocol import MARK, TicketUnknown

OURS = re.compile(rf"\[{re.escape(MARK)}registre-([0-9a-f]{{8,64}})\]")


@dataclass(frozen=True, slots=True)
class Moment:
    """One thing that happened to a ticket; `source` says where it is kept, in French."""

    at: datetime
    source: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Timeline:
    """A ticket and its history, oldest first; no ticket when the tracker did not answer, and `problems` say why."""

    reference: str
    ticket: Ticket | None
    moments: tuple[Moment, ...]
    problems: tuple[str, ...] = ()


def merge(
    notes: Iterable[TicketNote],
    entries: Iterable[LedgerEntry],
    titles: dict[str, str],
    waiting: frozenset[str],
) -> tuple[Moment, ...]:
    """Notes and events by time. An event that a note tells is there once, as the note; `waiting` are the keys of those
    that are not written yet. Pure."""
    notes = tuple(notes)
    told = {found[1] for note in notes for found in OURS.finditer(note.text)}
    moments = []
    for note in notes:
        state = f", ticket {note.became}" if note.became is not None else ""
        moments.append(
            Moment(
                note.at, f"note de {note.author or 'auteur inconnu'}{state}", tuple(note.text.splitlines())
            )
        )
    for entry in entries:
        mark = entry.sha256[:40]
        if mark in told:
            continue
        where = f"registre ligne {entry.sequence}"
        if f"registre-{mark}" in waiting:
            where += ", note en attente d'envoi"
        elif not is_told(entry):
            where += ", sans note"
        else:
            where += ", sans note dans ce ticket"
        by = f" (par {entry.person})" if entry.person else ""
        moments.append(Moment(entry.at, where, (f"{tell_event(entry, titles).what}{by}",)))
    return tuple(sorted(moments, key=lambda one: one.at))


def read_timeline(platform: Platform, runs_dir: Path, reference: str) -> Timeline:
    """The history of a ticket; what one source cannot say is a problem, and hides nothing of the other.

    UsageError for a reference of another tracker; LedgerBroken when the ledger does not hold.
    """
    require_ticket(reference)
    problems: list[str] = []
    ticket, notes = None, tuple[TicketNote, ...]()
    try:
        tracker = open_tracker(platform)
        if tracker is not None:
            try:
                ticket, notes = tracker.find_ticket(reference), tracker.list_notes(reference)
            finally:
                tracker.close()
    except TicketUnknown as error:
        problems.append(str(error))
    except UsageError:
        raise
    except NonregError as error:
        problems.append(str(error))
    entries = ledger.read_entries(runs_dir / ledger.FILE)
    mine = tuple(one for one in entries if one.platform == platform.name)
    box = TrackerOutbox(runs_dir, platform.name)
    waiting = frozenset(one.item.key for one in box.list_waiting(problems))
    events = (one for one in mine if one.ticket == reference)
    return Timeline(reference, ticket, merge(notes, events, name_executions(mine), waiting), tuple(problems))
