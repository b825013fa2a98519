"""A document is validated by the titulaire's signature of what it says, and by nothing else (R36). Pure.

    validation              line of the ledger of the decision: {document, genre, version, content_sha256}
    document                line of the seal of the folder `documents/ID-vN`, its manifest
    document-evenement      what happened to it since, as somebody declared it: {document, event, at, note}

What is signed is a sheet that holds the hash of the content; the signature is verified again whenever the document is
made: one that has changed since is a draft again.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Container, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from nonreg.clients.sshsig import fingerprint, read_signature
from nonreg.config import Platform
from nonreg.decision import (
    INVISIBLE,
    Decision,
    DecisionKind,
    DecisionRequest,
    SignedDecision,
    canonical_json,
    hash_shown,
    make_request,
    verify_decision,
)
from nonreg.errors import DecisionRefused, UsageError
from nonreg.ledger import LedgerEntry
from nonreg.model import Role
from nonreg.model.documents import DocumentStatus, Happened, Head, RecordEvent, Validation
from nonreg.people import People, Person

KIND, SEALED, EVENT = DecisionKind.VALIDATION.value, "document", "document-evenement"
ROLES = frozenset([Role.TITULAIRE])
VALID_FOR = timedelta(days=3)
WHOLE = "Empreinte du projet entier, dont la page ne dit pas tous les textes"


@dataclass(frozen=True, slots=True)
class Sheet:
    """What is shown to be signed, and the content that it binds."""

    head: Head
    shown: str
    content: bytes

    @property
    def content_sha256(self) -> str:
        """SHA-256 of the content, as the sheet says it."""
        return hashlib.sha256(self.content).hexdigest()


def make_sheet(
    head: Head, title: str, subject: str, conclusion: str, content: Any, written: str = ""
) -> Sheet:
    """The sheet of a document; `content` is all that it says, as plain JSON values.

    `written` is the whole draft, where the page does not say all of its texts: its hash is signed too.
    """
    said = canonical_json(content)
    lines = [
        "VALIDATION D'UN DOCUMENT",
        "",
        f"Document : {head.id}, {title}",
        f"Objet : {subject}",
        f"Plateforme : {head.platform}",
        f"Ticket : {head.ticket}",
        *([f"Conclusion : {conclusion}"] if conclusion else []),
        "",
        "La signature fait passer ce document de brouillon à validé ; elle est du titulaire. Elle ne vaut ni",
        "procès-verbal, ni validation par la maîtrise d'ouvrage.",
        "",
        f"Empreinte du contenu (SHA-256) : {hashlib.sha256(said).hexdigest()}",
        *([f"{WHOLE} (SHA-256) : {hash_text(written)}"] if written else []),
    ]
    return Sheet(head, "\n".join(_show(" ".join(line.split())) for line in lines) + "\n", said)


def hash_text(written: str) -> str:
    """SHA-256 of a draft as it is written."""
    return hashlib.sha256(written.encode("utf-8")).hexdigest()


def _show(line: str) -> str:
    """A line of which nothing is hidden: what is signed is what is read."""
    return "".join(f"[U+{ord(one):04X}]" if unicodedata.category(one) in INVISIBLE else one for one in line)


def request_validation(
    platform: Platform, sheet: Sheet, person: Person, reason: str, now: datetime
) -> DecisionRequest:
    """What the titulaire is asked to sign; UsageError for somebody else, before anything is signed."""
    if person.role not in ROLES:
        raise UsageError(
            f"« {person.id} » ({person.role}) ne valide pas de document : seule la signature du titulaire le fait."
        )
    return make_request(
        DecisionKind.VALIDATION,
        sheet.head.id,
        sheet.shown,
        platform,
        person,
        ticket=sheet.head.ticket,
        reason=reason.strip() or "Document relu",
        decided_at=now,
        expires_at=now + VALID_FOR,
    )


def verify_validation(
    signed: SignedDecision, people: People, platform: Platform, sheet: Sheet, at: datetime
) -> Decision:
    """The decision, when the titulaire signed this content; DecisionRefused says why not."""
    decision = verify_decision(
        signed,
        people,
        kind=DecisionKind.VALIDATION,
        shown=sheet.shown,
        platform=platform.name,
        identity_token=platform.identity_token,
        roles=ROLES,
        at=at,
        subject=sheet.head.id,
    )
    if decision.ticket != sheet.head.ticket:
        raise DecisionRefused(
            f"La décision est pour le ticket {decision.ticket}, pas pour {sheet.head.ticket}."
        )
    return decision


def list_validations(
    entries: Iterable[LedgerEntry], platform: str, document_id: str
) -> tuple[LedgerEntry, ...]:
    """The lines of a document's validations, oldest first."""
    return tuple(
        one
        for one in entries
        if (one.kind, one.platform, one.data.get("document")) == (KIND, platform, document_id)
        and one.decision is not None
    )


def find_status(
    entries: Iterable[LedgerEntry],
    people: People,
    platform: Platform,
    sheet: Sheet,
    archived: Container[str],
) -> DocumentStatus:
    """Whether a document is validated as it is now; otherwise why the last validation does not hold.

    `archived` are the names of the archives that are there.
    """
    problem = ""
    for entry in reversed(list_validations(entries, platform.name, sheet.head.id)):
        assert entry.decision is not None
        version = read_version(entry)
        try:
            verify_validation(
                SignedDecision(entry.decision, sheet.shown, entry.signature),
                people,
                platform,
                sheet,
                entry.at,
            )
        except DecisionRefused as error:
            changed = (entry.data.get("content_sha256"), entry.decision.content_sha256) != (
                sheet.content_sha256,
                hash_shown(sheet.shown),
            )
            why = "ce qu'il dit a changé depuis" if changed else str(error).rstrip(".")
            name = f"{sheet.head.id}-v{version}"
            rest = (
                f"Ce qui a été validé reste dans {name}."
                if name in archived
                else f"{name} n'est pas là : ce qui a été validé n'a pas été archivé, ou a été retiré depuis."
            )
            problem = problem or (
                f"La validation de la version {version} ne vaut pas pour ce document : {why}. {rest}"
            )
            continue
        key = fingerprint(read_signature(entry.signature).public_key)
        decision = entry.decision
        return DocumentStatus(
            Validation(version, decision.person, decision.id, decision.decided_at, entry.sequence, key)
        )
    return DocumentStatus(None, problem)


def read_version(entry: LedgerEntry) -> int:
    """The version that a validation made."""
    version = entry.data.get("version")
    return version if type(version) is int else 0


def next_version(entries: Iterable[LedgerEntry], platform: str, document_id: str, decision_id: str) -> int:
    """The version that a decision makes: its own when it was recorded already, so that it can be resumed."""
    before = list_validations(entries, platform, document_id)
    own = next((one for one in before if one.decision is not None and one.decision.id == decision_id), None)
    return read_version(own) if own else max(map(read_version, before), default=0) + 1


def list_events(entries: Iterable[LedgerEntry], platform: str, document_id: str) -> tuple[Happened, ...]:
    """What was declared of a document since, in the order of the ledger; a line that cannot be read is none."""
    found = []
    for one in entries:
        if (one.kind, one.platform, one.data.get("document")) != (EVENT, platform, document_id):
            continue
        try:
            event, at = (
                RecordEvent(str(one.data.get("event"))),
                datetime.fromisoformat(str(one.data.get("at"))),
            )
        except ValueError:
            continue
        if at.tzinfo is not None:
            found.append(Happened(event, at, one.person, str(one.data.get("note", "")), one.sequence))
    return tuple(found)
