"""Documents of the contract: drafted, rendered, validated, followed, in `documents/` of the runs' folder.

    documents/ID/           projet.toml, which a person edits, and document.html, .pdf, .docx as they are now
    documents/ID-vN/        what the titulaire validated, sealed (tasks.document_archive): the same, with contenu.json
                            (what was hashed), fiche.txt (what was signed), and for a delivery the runbooks of the
                            emergency file and the report that is joined

A document is made from its draft and from what is known at that moment, judged again each time.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from nonreg import ledger
from nonreg.decision import INVISIBLE, SignedDecision
from nonreg.documents.blanks import list_blanks
from nonreg.documents.draft_file import load_draft, require_id, write_draft
from nonreg.documents.gate import judge_delivery, list_missing
from nonreg.documents.minutes import read_delays, require_possible
from nonreg.documents.urgent import read_urgent_delays
from nonreg.documents.validation import (
    EVENT,
    KIND,
    Sheet,
    find_status,
    list_events,
    make_sheet,
    next_version,
    verify_validation,
)
from nonreg.errors import ConfigError, NonregError, UsageError
from nonreg.file_lock import hold_file_lock
from nonreg.french import explain_os_error
from nonreg.ledger import LedgerEntry, LedgerHead
from nonreg.ledger_witness import collect_witnesses, verify_ledger
from nonreg.masking import Mask, list_secrets
from nonreg.model import Role
from nonreg.model.documents import (
    CorrectionLog,
    DecisionRecord,
    DeliveryNote,
    DocumentStatus,
    Draft,
    FinalReport,
    RecordEvent,
    UrgentReport,
)
from nonreg.store import write_file
from nonreg.tickets import require_ticket
from nonreg.working_time import PARIS
from reports.corrections import build_corrections
from reports.decision_record import build_decision_record
from reports.delivery_note import build_delivery_note
from reports.document import Document
from reports.document_words import cut, describe_content, dress, goes_on
from reports.final_report import build_final_report
from reports.text import make_printable, map_texts, shorten
from reports.urgent_report import build_urgent_report
from tasks.document_archive import (
    Signable,
    finish_archives,
    keep_signed,
    name_version,
    write_forms,
)
from tasks.document_drafts import DOCUMENTS, DRAFT, Asked, Drafting
from tasks.document_facts import gather_delivery, look_at_run
from tasks.handover_work import Work
from tasks.publication import load_unaltered

LOCK = ".verrou"
MAX_PREFILLED = 2_000  # characters of what a tracker, a ledger or a runbook tells


@dataclass(frozen=True, slots=True)
class Made:
    """A document as it is now: what it says, its status, and why it cannot be validated as it is."""

    signable: Signable
    document: Document
    status: DocumentStatus
    obstacles: tuple[str, ...]

    @property
    def draft(self) -> Draft:
        """What a person wrote."""
        return self.signable.draft

    @property
    def sheet(self) -> Sheet:
        """What is to be signed."""
        return self.signable.sheet


@dataclass(frozen=True, slots=True)
class Listed:
    """A document of the list; `problem` when it cannot be made."""

    id: str
    made: Made | None
    problem: str = ""


def folder_of(work: Work, document_id: str) -> Path:
    """Where a document is worked on."""
    return work.runs_dir / DOCUMENTS / require_id(document_id)


def start_document(work: Work, asked: Asked, at: datetime) -> tuple[Path, tuple[str, ...]]:
    """Write a new draft; its path, and the sources that did not answer."""
    require_ticket(asked.ticket)
    drafting = Drafting(work, asked, at)
    mask = Mask(list_secrets(work.platform))
    # A title without end would make a draft that is too long to be read back.
    draft = map_texts(
        drafting.draft(), lambda one: shorten(mask.hide(one), MAX_PREFILLED, "à lire à la source")
    )
    folder = folder_of(work, draft.document.id)
    try:
        folder.mkdir(parents=True)
        write_file(folder / DRAFT, write_draft(draft))
    except OSError as error:
        raise NonregError(f"Écriture impossible dans {folder} ({explain_os_error(error)}).") from error
    return folder / DRAFT, tuple(drafting.missing)


def make_document(work: Work, document_id: str, at: datetime) -> Made:
    """A document from its draft, judged and dressed; ConfigError for a draft that is none of this platform."""
    require_started(work, document_id)
    path = folder_of(work, document_id) / DRAFT
    draft = load_draft(path)
    if (draft.document.id, draft.document.platform) != (document_id, work.platform.name):
        raise ConfigError(
            f"{path} : ce projet est celui de « {draft.document.id} », plateforme « {draft.document.platform} »."
        )
    mask = Mask(list_secrets(work.platform))
    whole = make_printable(map_texts(draft, mask.hide))
    # What is looked for in a long word takes the square of its length: it is cut first, secrets once hidden.
    draft = make_printable(map_texts(draft, lambda one: mask.apply(cut(mask.hide(one)))))
    entries = verify_ledger(work.journal.file, collect_witnesses(work.runs_dir)).entries
    bare, obstacles = build(work, draft, entries, at)
    blanks = list_blanks(draft)
    # The relevé's own verdict is of its delays, which go on: nothing of it is signed.
    conclusion = "" if isinstance(draft, DecisionRecord | UrgentReport) else bare.verdict.text
    content = describe_content(bare)
    sheet = make_sheet(
        draft.document,
        bare.title,
        bare.subject,
        conclusion,
        content,
        write_draft(whole) if goes_on(content) else "",
    )
    archived = {one.name for one in (work.runs_dir / DOCUMENTS).glob(f"{document_id}-v*/")}
    status = find_status(entries, work.people, work.platform, sheet, archived)
    told = tuple(f"à compléter : {one}." for one in blanks)
    signable = Signable(whole, bare, sheet)
    return Made(signable, dress(bare, blanks, status), status, (*told, *obstacles))


def build(
    work: Work, draft: Draft, entries: tuple[LedgerEntry, ...], at: datetime
) -> tuple[Document, tuple[str, ...]]:
    """The page of a draft, without status, and what else keeps it from being validated."""
    working = work.platform.working_time
    match draft:
        case DeliveryNote():
            facts = make_printable(gather_delivery(work, draft, at))
            gate = judge_delivery(draft, facts)
            return build_delivery_note(draft, facts, gate, at), list_missing(gate)
        case FinalReport():
            run = look_at_run(work, draft.run.strip())
            if run.problem or not run.run_id:
                raise UsageError(
                    f"{draft.document.id} : passage « {run.run_id} » : {run.problem or 'à compléter.'}"
                )
            return build_final_report(draft, load_unaltered(work.runs_dir / run.run_id)), ()
        case UrgentReport():
            delays = read_urgent_delays(draft, working, at)
            return build_urgent_report(draft, delays, at), delays.disorder
        case DecisionRecord():
            events = list_events(entries, work.platform.name, draft.document.id)
            held_on = draft.held_on if isinstance(draft.held_on, date) else None
            found = read_delays(held_on, events, working, at) if held_on else None
            obstacles = () if held_on else ("la réunion n'a pas de date.",)
            return build_decision_record(draft, found, make_printable(events), at), obstacles
        case CorrectionLog():
            sound = (
                isinstance(draft.first, date) and isinstance(draft.last, date) and draft.first <= draft.last
            )
            return build_corrections(draft, at), () if sound else ("la période n'en est pas une.",)


def render_document(work: Work, document_id: str, at: datetime) -> tuple[Path, Made]:
    """Make the document anew in its three forms; the folder. What a kill kept from being archived is archived."""
    require_started(work, document_id)
    with hold_documents(work):
        return render(work, document_id, at)


def require_started(work: Work, document_id: str) -> None:
    """UsageError when there is no such document."""
    path = folder_of(work, document_id) / DRAFT
    if not path.is_file():
        raise UsageError(f"Aucun document {document_id} dans {path.parent.parent} (voir : document list).")


@contextmanager
def hold_documents(work: Work) -> Iterator[None]:
    """One at a time archives."""
    documents = work.runs_dir / DOCUMENTS
    with hold_file_lock(documents / LOCK, f"Dossier {documents}"):
        yield


def render(work: Work, document_id: str, at: datetime) -> tuple[Path, Made]:
    """As `render_document`, by whoever holds the documents."""
    finish_archives(work, at)
    made = make_document(work, document_id, at)
    folder = folder_of(work, document_id)
    write_forms(work, folder, made.document, at)
    validation = made.status.validation
    if (
        validation is not None
        and not folder.with_name(name_version(document_id, validation.version)).exists()
    ):
        keep_signed(work, made.signable, validation.decision, validation.version)
        finish_archives(work, at)
    return folder, made


def require_validable(made: Made) -> None:
    """UsageError that says why a document cannot be validated: what is missing, or that it is already."""
    if made.status.validation is not None:
        raise UsageError(
            f"{made.draft.document.id} est déjà validé (version {made.status.validation.version})."
        )
    if made.obstacles:
        more = f" (et {len(made.obstacles) - 5} autres)" if len(made.obstacles) > 5 else ""
        raise UsageError(
            f"{made.draft.document.id} ne peut pas être validé : {' '.join(made.obstacles[:5])}{more}"
        )


def validate_document(
    work: Work, document_id: str, signed: SignedDecision, now: datetime
) -> tuple[Path, Made]:
    """Verify the signature against the document as it is now, record it, archive what was validated, render it again.

    What is signed is kept before the ledger knows it; the same decision, or the next rendering of any document,
    finishes what was cut after that.
    """
    require_started(work, document_id)
    with hold_documents(work):
        finish_archives(work, now)
        made = make_document(work, document_id, now)
        own = made.status.validation is not None and made.status.validation.decision == signed.decision.id
        if not own:
            require_validable(made)
        verify_validation(signed, work.people, work.platform, made.sheet, now)
        verify_ledger(work.journal.file, collect_witnesses(work.runs_dir))
        entries = ledger.read_entries(work.journal.file)
        version = next_version(entries, work.platform.name, document_id, signed.decision.id)
        keep_signed(work, made.signable, signed.decision.id, version)
        ledger.append_once(
            work.journal.file,
            kind=KIND,
            platform=work.platform.name,
            data={
                "document": document_id,
                "genre": made.draft.document.kind.value,
                "version": version,
                "content_sha256": made.sheet.content_sha256,
            },
            at=now,
            people=work.people,
            signed=signed,
        )
        folder, made = render(work, document_id, now)
    return folder.with_name(name_version(document_id, version)), made


def record_event(
    work: Work,
    document_id: str,
    event: RecordEvent,
    person_id: str,
    happened_at: datetime,
    note: str,
    now: datetime,
) -> LedgerHead:
    """Write down that a relevé was sent, remarked upon or corrected; UsageError when it cannot be, or not by them.

    A relevé is sent by the titulaire, whoever prepared it (R01).
    """
    require_started(work, document_id)
    draft = load_draft(folder_of(work, document_id) / DRAFT)
    if not isinstance(draft, DecisionRecord):
        raise UsageError(f"{document_id} n'est pas un relevé de décisions : rien ne s'y suit.")
    if (draft.document.id, draft.document.platform) != (document_id, work.platform.name):
        raise UsageError(f"{document_id} n'est pas un document de la plateforme « {work.platform.name} ».")
    held_on = draft.held_on
    if not isinstance(held_on, date):
        raise UsageError(f"{document_id} : la réunion n'a pas encore de date.")
    person = work.people.find(person_id)
    if person is None or not person.is_valid(now):
        raise UsageError(f"La personne « {person_id} » n'est pas habilitée dans {work.people.file.name}.")
    if event is RecordEvent.SENT and person.role is not Role.TITULAIRE:
        raise UsageError(f"« {person_id} » ({person.role}) n'envoie pas de relevé : il part du titulaire.")
    if len(note) > 500 or any(_is_hidden(char) for char in note):
        raise UsageError("La note a 500 caractères au plus, sans caractère invisible ni fin de ligne.")
    if Mask(list_secrets(work.platform)).hide(note) != note:
        raise UsageError("La note contient un secret de la plateforme, rien n'est enregistré.")
    verify_ledger(work.journal.file, collect_witnesses(work.runs_dir))

    def check(entries: tuple[LedgerEntry, ...]) -> None:
        before = list_events(entries, work.platform.name, document_id)
        require_possible(event, happened_at, held_on, before, now)

    return ledger.append(
        work.journal.file,
        kind=EVENT,
        platform=work.platform.name,
        person=person_id,
        ticket=draft.document.ticket,
        data={
            "document": document_id,
            "event": event.value,
            "at": happened_at.astimezone(PARIS).isoformat(),
            "note": note,
            "declared": True,  # typed by somebody: no signature proves it
        },
        at=now,
        people=work.people,
        signed=None,
        check=check,
    )


def _is_hidden(char: str) -> bool:
    return unicodedata.category(char) in INVISIBLE


def list_documents(work: Work, at: datetime) -> tuple[Listed, ...]:
    """Every document of the platform's runs, with what is wrong with those that cannot be made."""
    found = []
    for path in sorted((work.runs_dir / DOCUMENTS).glob(f"A*/{DRAFT}")):
        name = path.parent.name
        if "-v" in name:
            continue
        try:
            found.append(Listed(name, make_document(work, name, at)))
        except NonregError as error:
            found.append(Listed(name, None, str(error)))
    return tuple(found)
