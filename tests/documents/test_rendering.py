"""Each document as a page, a PDF and a Word file: accessible, complete, whatever people typed."""

from __future__ import annotations

import io
from dataclasses import replace

import docx
import pytest

from nonreg.documents.gate import judge_delivery
from nonreg.documents.minutes import read_delays
from nonreg.documents.urgent import read_urgent_delays
from nonreg.model.documents import (
    Action,
    Correction,
    DeliveredFile,
    DocumentStatus,
    Draft,
    Happened,
    RecordEvent,
    Validation,
)
from nonreg.model.tracker import TicketState
from nonreg.working_time import WorkingTime
from reports.corrections import build_corrections
from reports.decision_record import build_decision_record
from reports.delivery_note import build_delivery_note
from reports.document import Document
from reports.document_words import MAX_CHARACTERS, TO_FILL, describe_content, dress
from reports.docx import write_docx
from reports.html import write_html
from reports.text import make_printable, map_texts
from reports.urgent_report import build_urgent_report
from tests.documents.sites import NOW, at, corrections, delivery, record, urgent
from tests.documents.test_gate import GOOD
from tests.hostile import FEW as HOSTILE
from tests.pages import check_page, check_pdf, read_all

WORKING = WorkingTime()
EVENTS = (
    Happened(RecordEvent.SENT, at(27, 10), "titulaire-essai", "", 4),
    Happened(RecordEvent.REMARKS, at(28, 10), "moa-scv-essai", "lettre", 5),
)
SIGNED = DocumentStatus(Validation(2, "titulaire-essai", "D-0123456789ab", NOW, 9, "SHA256:abc"))


def build(draft: Draft) -> Document:
    """The page of a draft, as tasks make it."""
    draft = make_printable(draft)
    match draft.document.kind.value:
        case "A.1":
            return build_delivery_note(draft, GOOD, judge_delivery(draft, GOOD), NOW)  # type: ignore[arg-type]
        case "A.3":
            return build_urgent_report(draft, read_urgent_delays(draft, WORKING, NOW), NOW)  # type: ignore[arg-type]
        case "A.9":
            delays = read_delays(draft.held_on, EVENTS, WORKING, NOW)  # type: ignore[arg-type, union-attr]
            return build_decision_record(draft, delays, EVENTS, NOW)  # type: ignore[arg-type]
    return build_corrections(draft, NOW)  # type: ignore[arg-type]


DRAFTS: dict[str, Draft] = {
    "A.1": delivery(),
    "A.3": urgent(actions=(Action("Relire", "titulaire-essai"),)),
    "A.9": record(),
    "A.11": corrections(corrections=(Correction("AQ-13", "Étiquette"),)),
}


@pytest.mark.parametrize("kind", DRAFTS)
@pytest.mark.parametrize("status", [DocumentStatus(), SIGNED], ids=["draft", "validated"])
def test_a_document_is_accessible_as_a_page_and_as_a_pdf(kind: str, status: DocumentStatus) -> None:
    document = dress(build(DRAFTS[kind]), ("marché",), status)
    page, pdf = check_page(document), read_all(check_pdf(document))
    word = "Validé,version2" if status.validation else "Brouillon"
    assert (word in pdf, word in page.text.replace(" ", "")) == (True, True)
    assert "leSCV(MOA)" in pdf
    assert ("D-0123456789ab" in page.text) is (status.validation is not None)
    assert "ne vaut ni procès-verbal" in page.text


@pytest.mark.parametrize("kind", DRAFTS)
@pytest.mark.parametrize("words", HOSTILE)
def test_a_hostile_text_in_every_field_neither_runs_nor_breaks_a_document(kind: str, words: str) -> None:
    draft = DRAFTS[kind]
    fixed = {draft.document.id, draft.document.platform, draft.document.ticket}
    spoilt = replace(map_texts(draft, lambda one: one if one in fixed or one in ("go", "MC") else words))
    document = dress(build(replace(spoilt, document=draft.document)), (words,), DocumentStatus(None, words))  # type: ignore[arg-type]
    document = make_printable(document)
    html = write_html(document)
    assert "<script" not in html
    assert not {"\x1b", "\u202e", "\x00"} & set(html)
    check_page(document)
    assert docx.Document(io.BytesIO(write_docx(document, NOW))).paragraphs


def test_a_hostile_text_does_not_break_a_pdf_either() -> None:
    spoilt = replace(record(), summary="\n".join(HOSTILE), subject=HOSTILE[0])
    assert "script" in read_all(check_pdf(dress(build(spoilt), (), DocumentStatus())))


def test_a_text_of_a_megabyte_is_shortened_and_says_so() -> None:
    document = build(record(summary="x" * 1_000_000))
    page = check_page(document).text
    assert len(page) < 3 * MAX_CHARACTERS
    assert "… [suite dans projet.toml]" in page
    assert len(check_pdf(document).pages) < 10


def test_thousands_of_rows_are_whole_on_the_page_and_short_on_paper() -> None:
    rows = tuple(Correction(f"AQ-{number}", "Titre") for number in range(3000))
    document = build(corrections(corrections=rows))
    assert "AQ-2999" in check_page(document).text
    assert len(check_pdf(document).pages) < 40


def test_what_is_to_be_filled_in_is_visible_in_every_form() -> None:
    document = build(urgent(cause="", restored=replace(urgent().restored, at="")))
    word = docx.Document(io.BytesIO(write_docx(document, NOW)))
    cells = [cell.text for table in word.tables for row in table.rows for cell in row.cells]
    assert f"!\u00a0{TO_FILL}" in cells
    assert check_page(document).text.count(TO_FILL) == 2
    assert read_all(check_pdf(document)).count(TO_FILL.replace(" ", "")) == 2


def test_the_signed_content_does_not_depend_on_when_it_is_rendered_nor_on_what_happened_since() -> None:
    delays = read_delays(record().held_on, (), WORKING, NOW)  # type: ignore[arg-type]
    before = build_decision_record(record(), delays, (), at(1, 9, month=12))
    assert describe_content(before) == describe_content(build(record()))
    other = build(record(summary="autre"))
    assert describe_content(other) != describe_content(before)


def test_the_signed_content_of_an_urgent_report_does_not_depend_on_when_it_is_rendered() -> None:
    early = build_urgent_report(urgent(), read_urgent_delays(urgent(), WORKING, NOW), NOW)
    later = at(20, 9, month=12)
    late = build_urgent_report(urgent(), read_urgent_delays(urgent(), WORKING, later), later)
    assert describe_content(early) == describe_content(late)


def test_a_note_that_is_not_ready_says_each_reason_on_its_first_page() -> None:
    closed = replace(GOOD.tickets[0], state=TicketState.CLOSED)
    facts = replace(GOOD, files=(), tickets=(closed,))
    document = build_delivery_note(delivery(), facts, judge_delivery(delivery(), facts), NOW)
    first = "".join(check_pdf(document).pages[0].extract_text().split())
    for words in ("Nonprêteàdéployer", "ledossierlivréestvide", "toussontfermés"):
        assert words in first


def test_a_note_lists_every_file_with_its_hash() -> None:
    files = tuple(DeliveredFile(f"{n}.sql", f"{n:064d}", n) for n in range(30))
    facts = replace(GOOD, files=files)
    page = check_page(build_delivery_note(delivery(), facts, judge_delivery(delivery(), facts), NOW)).text
    assert all(one.sha256 in page and one.path in page for one in files)


def test_each_blank_of_a_row_is_told_as_one_and_a_reason_alone_is_a_sentence() -> None:
    blanks = ("Synthèse", "Corrections n° 2, version", "Corrections n° 2, correction apportée")
    page = check_page(dress(build(corrections()), blanks, DocumentStatus())).text
    assert "synthèse, corrections n° 2 : version, corrections n° 2 : correction apportée." in page
    bare = replace(GOOD, files=(), files_problem="aucun dossier de fichiers livrés n'est nommé (folder).")
    note = delivery()
    document = build_delivery_note(note, bare, judge_delivery(note, bare), NOW)
    (files,) = [one for one in document.sections if one.anchor == "fichiers"]
    assert "Aucun dossier de fichiers livrés n'est nommé (folder)." in str(files)
