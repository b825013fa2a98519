"""What tracker and ledger already know of a document; the rest stays to be filled in. Pure.

A stamp of an urgent intervention is taken from a note only when its first line is the words of that stamp and nothing
else: « Prise en charge impossible » tells of none. Nothing is guessed.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from datetime import date, datetime

from nonreg.decision import DecisionKind
from nonreg.documents.validation import SEALED
from nonreg.handover.state import KIND as RUNBOOK
from nonreg.handover.state import Event
from nonreg.handover.ticket_history import describe
from nonreg.ledger import LedgerEntry
from nonreg.model.documents import Action, Correction, DecisionRecord, DocumentKind, LoggedEvent, Stamp
from nonreg.model.tracker import Ticket, TicketNote, TicketState
from nonreg.working_time import PARIS

WORDS: Mapping[str, tuple[str, ...]] = {
    "phone_call": ("appel", "appel téléphonique"),
    "taken": ("prise en charge", "pris en charge", "prise en charge faite"),
    "diagnosed": ("diagnostic", "diagnostic posé", "diagnostic fait"),
    "restored": ("rétabli", "service rétabli"),
}
FOLDED = str.maketrans("éèêàâîôûç", "eeeaaiouc")
CLOSING = "cloture"
VERSION_FIELD = "version"


def find_stamps(
    ticket: Ticket | None, notes: Iterable[TicketNote], entries: Iterable[LedgerEntry]
) -> dict[str, Stamp]:
    """The stamps of an urgent intervention that the ticket, its notes and its lines of the ledger tell."""
    found: dict[str, Stamp] = {}
    if ticket is not None:
        found["alert"] = Stamp(to_paris(ticket.opened_at), f"suivi, ouverture de {ticket.reference}")
    for note in sorted(notes, key=lambda one: one.at):
        name = read_step(note.text)
        if name and name not in found:
            found[name] = Stamp(to_paris(note.at), "suivi, note du ticket")
    closings = [one for one in entries if one.kind == CLOSING]
    if ticket is not None and ticket.closed_at is not None:
        found["closed"] = Stamp(to_paris(ticket.closed_at), f"suivi, fermeture de {ticket.reference}")
    elif closings:
        found["closed"] = Stamp(to_paris(closings[-1].at), f"registre, ligne {closings[-1].sequence}")
    return found


def read_step(text: str) -> str:
    """The field that a note stamps; empty for one whose first line says anything more, or asks."""
    first = text.strip().partition("\n")[0]
    said = fold(first).rstrip(" .:;!…")
    return next((name for name, words in WORDS.items() if said in map(fold, words)), "")


def fold(words: str) -> str:
    """Words as they are compared: neither case, accents nor spaces count."""
    return " ".join(unicodedata.normalize("NFC", words).casefold().translate(FOLDED).split())


def list_corrections(tickets: Iterable[Ticket], first: date, last: date) -> tuple[Correction, ...]:
    """Tickets that were closed in the period, in the order in which they were."""
    closed = [
        (one.closed_at, one)
        for one in tickets
        if one.state is TicketState.CLOSED
        and one.closed_at is not None
        and first <= day_of(one.closed_at) <= last
    ]
    return tuple(
        Correction(one.reference, one.title, one.kind, day_of(at), find_version(one))
        for at, one in sorted(closed, key=lambda pair: pair[0])
    )


def find_version(ticket: Ticket) -> str:
    """The version that a field of the ticket names, if one does."""
    return next((value for name, value in ticket.fields if VERSION_FIELD in name.casefold()), "")


def list_logged(
    entries: Iterable[LedgerEntry], titles: Mapping[str, str], platform: str, first: date, until: date
) -> tuple[LoggedEvent, ...]:
    """Closed interventions, promotions, deliveries and deployments of the period, each by its last line."""
    own = [one for one in entries if one.platform == platform and is_logged(one, titles)]
    # What was killed before its archive was in place is sealed again, by another line.
    last = {_name_logged(one): one.sequence for one in own}
    return tuple(
        LoggedEvent(
            day_of(one.at), say_event(one, titles), one.ticket or str(one.data.get("for", "")), one.sequence
        )
        for one in own
        if first <= day_of(one.at) <= until and last[_name_logged(one)] == one.sequence
    )


def _name_logged(entry: LedgerEntry) -> tuple[object, ...]:
    """The same for lines that tell of one thing."""
    if entry.kind == SEALED:
        return SEALED, entry.data.get("document"), entry.data.get("version")
    return (entry.sequence,)


def is_logged(entry: LedgerEntry, titles: Mapping[str, str]) -> bool:
    """True for what changed the application or its reference."""
    if entry.kind == RUNBOOK:
        title = titles.get(str(entry.data.get("execution")), "")
        ended = entry.data.get("event") == Event.CLOSED and not entry.data.get("abandoned")
        return (
            ended
            and "répétition" not in title
            and any(one in title for one in ("deploiement", "retour-arriere"))
        )
    delivered = entry.kind == SEALED and entry.data.get("genre") == DocumentKind.DELIVERY
    return delivered or entry.kind in (CLOSING, DecisionKind.PROMOTION)


def say_event(entry: LedgerEntry, titles: Mapping[str, str]) -> str:
    """What happened, in a few words."""
    if entry.kind == CLOSING:
        documents = ", ".join(map(str, entry.data.get("documents", ()))) or "aucun document concerné"
        return f"intervention « {entry.data.get('intervention')} » close ({documents})"
    return describe(entry, titles)


def carry_actions(record: DecisionRecord | None) -> tuple[Action, ...]:
    """The actions of the last relevé that are still to be done."""
    return tuple(one for one in record.actions if not isinstance(one.done_on, date)) if record else ()


def day_of(moment: datetime) -> date:
    """The day in Paris."""
    return moment.astimezone(PARIS).date()


def to_paris(moment: datetime) -> datetime:
    """The instant as somebody in France reads it, to the second."""
    return moment.astimezone(PARIS).replace(microsecond=0)
