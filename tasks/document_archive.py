"""What the titulaire signed of a document: kept before his decision is recorded, archived after it.

    documents/.signes/D-…/ID-vN/   what is about to be signed: projet.toml whole, contenu.json, fiche.txt, document.json
    documents/ID-vN/               the sealed folder that is made of it, with the page in its three forms

Whatever is edited, removed or killed once the ledger has the decision, the archive is made of what was kept.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from nonreg import ledger
from nonreg.decision import canonical_json
from nonreg.documents.draft_file import load_draft, write_draft
from nonreg.documents.validation import KIND, SEALED, Sheet, find_status, read_version
from nonreg.errors import ConfigError, NonregError
from nonreg.evidence.files import MANIFEST
from nonreg.evidence.interrupted import finish_sealed, make_aside
from nonreg.evidence.seal import Thing, seal_folder
from nonreg.files import read_text
from nonreg.french import explain_os_error
from nonreg.handover.readiness_binder import BINDER
from nonreg.handover.runbook_file import find_files
from nonreg.ledger import LedgerEntry
from nonreg.model.documents import DeliveryNote, DocumentStatus, Draft, Validation
from nonreg.store import dump_json, load_json, write_file
from reports.document import Document
from reports.document_words import describe_content, dress
from reports.docx import write_docx
from reports.html import write_html
from reports.pdf import write_pdf
from tasks.document_drafts import DOCUMENTS, DRAFT
from tasks.handover_work import Work

HTML, PDF, DOCX = "document.html", "document.pdf", "document.docx"
CONTENT, SHEET, BINDER_FOLDER = "contenu.json", "fiche.txt", "dossier-urgence"
REPORT_FOLDER, REPORTS = "rapport-a2", ("report.json", "report.html", "report.pdf")
TEMPLATE = "document.docx"  # a site's own, in its governance folder
KEPT, PAGE = ".signes", "document.json"


@dataclass(frozen=True, slots=True)
class Signable:
    """What a signature is of: the whole draft, the page without its status, and the sheet."""

    draft: Draft
    page: Document
    sheet: Sheet


def name_version(document_id: str, version: int) -> str:
    """The folder of what was validated."""
    return f"{document_id}-v{version}"


def keep_signed(work: Work, signable: Signable, decision_id: str, version: int) -> None:
    """On disk before the ledger is told of the decision, and until it is archived."""
    folder = (
        work.runs_dir / DOCUMENTS / KEPT / decision_id / name_version(signable.draft.document.id, version)
    )
    shutil.rmtree(folder.parent, ignore_errors=True)
    try:
        folder.mkdir(parents=True)
        write_file(folder / DRAFT, write_draft(signable.draft))
        write_file(folder / CONTENT, signable.sheet.content)
        write_file(folder / SHEET, signable.sheet.shown)
        write_file(folder / PAGE, dump_json(Document, signable.page))
        if isinstance(signable.draft, DeliveryNote):
            keep_binder(folder / BINDER_FOLDER)
            keep_report(work, signable.draft, folder / REPORT_FOLDER)
    except OSError as error:
        raise NonregError(f"Écriture impossible dans {folder} ({explain_os_error(error)}).") from error


def read_kept(folder: Path) -> Signable:
    """What was kept; ConfigError when it is not whole."""
    page, draft = load_json(Document, folder / PAGE), load_draft(folder / DRAFT)
    content = (folder / CONTENT).read_bytes()
    if canonical_json(describe_content(page)) != content:
        raise ConfigError(f"{folder} : {PAGE} et {CONTENT} ne disent pas la même chose.")
    sheet = Sheet(draft.document, read_text(folder / SHEET), content)
    return Signable(draft, page, sheet)


def finish_archives(work: Work, at: datetime) -> None:
    """What a kill left: sealed, it takes its place; signed, it is archived; otherwise nothing was recorded, it goes."""
    documents = work.runs_dir / DOCUMENTS
    finish_sealed(documents, work.runs_dir)
    for left in documents.glob(".*/"):
        if left.name != KEPT and not any(left.glob(f"*/{MANIFEST}")):
            shutil.rmtree(left, ignore_errors=True)
    kept = sorted((documents / KEPT).glob("*/"))
    if not kept:
        return
    signed = {
        one.decision.id: one
        for one in ledger.read_entries(work.journal.file)
        if one.kind == KIND and one.decision is not None
    }
    for folder in kept:
        entry = signed.get(folder.name)
        if entry is not None and entry.platform == work.platform.name:
            _archive_kept(work, folder, entry, at)
        elif entry is None:
            shutil.rmtree(folder, ignore_errors=True)


def _archive_kept(work: Work, kept: Path, entry: LedgerEntry, at: datetime) -> None:
    """Make the archive of one decision; what was kept stays as long as it cannot be made."""
    name = name_version(str(entry.data.get("document")), read_version(entry))
    if not (work.runs_dir / DOCUMENTS / name).exists():
        try:
            signable = read_kept(kept / name)
        except (NonregError, OSError):
            return
        validation = find_status([entry], work.people, work.platform, signable.sheet, ()).validation
        if validation is None:
            return
        archive(work, kept / name, signable, validation, at)
    shutil.rmtree(kept, ignore_errors=True)


def archive(work: Work, kept: Path, signable: Signable, validation: Validation, at: datetime) -> Path:
    """The sealed folder of a validated document, of what was kept; nothing when it is there already."""
    document = signable.draft.document
    final = work.runs_dir / DOCUMENTS / name_version(document.id, validation.version)
    if final.exists():
        return final
    with make_aside(final, work.runs_dir) as folder:
        shutil.copytree(kept, folder, ignore=shutil.ignore_patterns(PAGE), dirs_exist_ok=True)
        write_forms(work, folder, dress(signable.page, (), DocumentStatus(validation)), at)
        thing = Thing(
            SEALED,
            final.name,
            work.platform.name,
            work.platform.identity_token,
            at,
            person=validation.person,
            decisions=(validation.decision,),
        )
        data = {
            "document": document.id,
            "genre": document.kind.value,
            "version": validation.version,
            "content_sha256": signable.sheet.content_sha256,
            "for": document.ticket,  # the line has no ticket: its decision's was told there already
        }
        seal_folder(folder, thing, work.runs_dir, data=data, people=work.people, final=final)
    return final


def write_forms(work: Work, folder: Path, document: Document, at: datetime) -> None:
    """HTML, PDF and Word, each whole or not at all; ConfigError for a template that cannot be one."""
    template = read_template(work)
    try:
        word = write_docx(document, at, template)
    except ValueError as error:
        raise ConfigError(f"{work.people.file.parent / TEMPLATE} : {error}.") from error
    try:
        write_file(folder / HTML, write_html(document))
        write_file(folder / PDF, write_pdf(document, at))
        write_file(folder / DOCX, word)
    except OSError as error:
        raise NonregError(f"Écriture impossible dans {folder} ({explain_os_error(error)}).") from error


def read_template(work: Work) -> bytes | None:
    """The site's own template, None for that of the project."""
    path = work.people.file.parent / TEMPLATE
    try:
        return path.read_bytes() if path.is_file() else None
    except OSError as error:
        raise ConfigError(f"{path} : lecture impossible ({explain_os_error(error)}).") from error


def keep_binder(folder: Path) -> None:
    """The runbooks of the emergency file stand with what is delivered (R50)."""
    folder.mkdir()
    for runbook_id, file in find_files().items():
        if runbook_id in BINDER:
            write_file(folder / file.name, file.read_bytes())


def keep_report(work: Work, note: DeliveryNote, folder: Path) -> None:
    """The report that the note says is joined, as its run published it; the gate has just judged it."""
    folder.mkdir()
    for name in REPORTS:
        file = work.runs_dir / note.tests.run.strip() / name
        if file.is_file():
            write_file(folder / name, file.read_bytes())
