"""Closing an intervention: what it changed in the documentation, said by somebody, or why nothing (R74).

A closed intervention has no GO any more: what is done again asks again.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from nonreg import ledger
from nonreg.config import Platform
from nonreg.decision import INVISIBLE
from nonreg.errors import UsageError
from nonreg.ledger import LedgerEntry, LedgerHead
from nonreg.ledger_witness import collect_witnesses, verify_ledger
from nonreg.model import InterventionKind
from nonreg.tickets import require_ticket
from tasks.intervention import CLOSING_KIND, KIND
from tasks.promotion import require_people

MAX_CHARACTERS = 2_000


@dataclass(frozen=True, slots=True)
class DocumentationImpact:
    """What an intervention changed: documents with their new versions, one a line, or why none is concerned."""

    documents: tuple[str, ...] = ()
    reason: str = ""


def make_impact(documents: tuple[str, ...], reason: str) -> DocumentationImpact:
    """The answer; UsageError unless it names documents, or else says why there is none."""
    named = tuple(filter(None, (one.strip() for one in documents)))
    reason = reason.strip()
    if bool(named) == bool(reason):
        raise UsageError(
            "Impact sur la documentation : nommez les documents mis à jour (avec leur version), ou dites pourquoi "
            "aucun n'est concerné ; l'un ou l'autre."
        )
    if any(unicodedata.category(char) in INVISIBLE for text in (*named, reason) for char in text):
        raise UsageError(
            "Impact sur la documentation : un caractère invisible ou de contrôle n'a rien à faire là."
        )
    if sum(map(len, (*named, reason))) > MAX_CHARACTERS:
        raise UsageError(f"Impact sur la documentation : {MAX_CHARACTERS} caractères au plus.")
    return DocumentationImpact(named, reason)


def close_intervention(
    platform: Platform,
    ticket: str,
    kind: InterventionKind,
    person_id: str,
    impact: DocumentationImpact,
    runs_dir: Path,
    now: datetime,
) -> LedgerHead:
    """Record the end of the intervention of a ticket; UsageError when none is open, or nobody known says it."""
    people = require_people(platform)
    person = people.find(person_id)
    if person is None or not person.is_valid(now):
        raise UsageError(f"La personne « {person_id} » n'est pas habilitée dans {people.file.name}.")
    verify_ledger(runs_dir / ledger.FILE, collect_witnesses(runs_dir))

    def require_open(entries: tuple[LedgerEntry, ...]) -> None:
        if find_open(entries, platform.name, require_ticket(ticket), kind) is None:
            raise UsageError(f"Aucune intervention « {kind} » n'est ouverte pour le ticket {ticket}.")

    return ledger.append(
        runs_dir / ledger.FILE,
        kind=CLOSING_KIND,
        platform=platform.name,
        person=person_id,
        ticket=ticket,
        data={
            "intervention": kind.value,
            "documents": list(impact.documents),
            "no_impact_because": impact.reason,
            "declared": True,
        },
        at=now,
        people=people,
        signed=None,
        check=require_open,
    )


def find_open(
    entries: tuple[LedgerEntry, ...], platform: str, ticket: str, kind: InterventionKind
) -> LedgerEntry | None:
    """The last answer for that ticket and kind that was not closed since; None when there is none."""
    found: LedgerEntry | None = None
    for entry in entries:
        if (entry.platform, entry.ticket, entry.data.get("intervention")) == (platform, ticket, kind):
            found = entry if entry.kind == KIND else None if entry.kind == CLOSING_KIND else found
    return found
