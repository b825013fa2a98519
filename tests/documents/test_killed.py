"""Killed at any moment, a validation is finished by the next rendering: what was signed is archived, once."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from nonreg import ledger
from nonreg.clients.sshsig import load_key_file
from nonreg.decision import SignedDecision, sign_decision
from nonreg.documents.prefill import list_logged
from nonreg.documents.validation import KIND, SEALED, request_validation
from nonreg.errors import LedgerBroken
from nonreg.evidence.files import MANIFEST, EvidenceWrong
from nonreg.evidence.folders import read_manifest
from nonreg.model.documents import DocumentKind, RecordEvent
from tasks.document_archive import CONTENT, KEPT, SHEET, name_version
from tasks.document_drafts import DRAFT, Asked
from tasks.document_evidence import judge_document
from tasks.documents import make_document, record_event, render_document, start_document, validate_document
from tests.documents.sites import NOW, Site, delivery, make_site, record
from tests.governed import Governed, publish_run
from tests.retention.cut import cut
from tests.retention.sites import verify, work_on

SIGNED, EDITED = "Ce qui a été signé.", "Ce qui a été écrit entre-temps."
QUICK = ("write_html", "write_pdf", "write_docx")


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return make_site(tmp_path)


@pytest.fixture
def _quick_pages() -> Iterator[None]:
    """What a form of the page holds is nothing to a kill, and the fonts of a PDF do not survive a fork."""
    with pytest.MonkeyPatch.context() as patch:
        for name in QUICK:
            patch.setattr(f"tasks.document_archive.{name}", lambda *_: b"page")
        yield


def sign(site: Site, document_id: str) -> SignedDecision:
    work = work_on(site.governed)
    holder = work.people.find("titulaire-essai")
    assert holder is not None
    sheet = make_document(work, document_id, NOW).sheet
    request = request_validation(work.platform, sheet, holder, "relu", NOW)
    return sign_decision(request, load_key_file(Path(site.governed.key())))


def count(site: Site, kind: str) -> int:
    return sum(one.kind == kind for one in ledger.read_entries(site.governed.runs_dir / ledger.FILE))


def copy_site(site: Site, root: Path) -> Site:
    """The same platform elsewhere: its file says where it is."""
    copied = Site(Governed(Path(shutil.copytree(site.governed.root, root))))
    copied.governed.change_platform(f'base_dir = "{site.governed.root}"', f'base_dir = "{root}"')
    return copied


@pytest.mark.usefixtures("_quick_pages")
@pytest.mark.parametrize(("kind", "step"), [(DocumentKind.MINUTES, 1), (DocumentKind.DELIVERY, 5)])
def test_killed_at_any_write_and_edited_since_what_was_signed_is_archived_and_nothing_else(
    tmp_path: Path, kind: DocumentKind, step: int
) -> None:
    (tmp_path / "origine").mkdir()
    origin = make_site(tmp_path / "origine")
    minutes, other = kind is DocumentKind.MINUTES, EDITED
    folder = str(origin.delivered)
    first = record(summary=SIGNED) if minutes else delivery(folder=folder, impact=SIGNED)
    document_id = origin.save(first)
    signed = sign(origin, document_id)
    changes, killed, recorded = 0, True, set()
    while killed:
        site = copy_site(origin, tmp_path / f"copie-{changes}")
        work = work_on(site.governed)
        killed = cut(
            lambda site=site, work=work: validate_document(work, document_id, signed, NOW),  # type: ignore[misc]
            site.governed.runs_dir,
            changes,
        )
        assert verify(site.governed, judged=False) == [], changes
        is_recorded = count(site, KIND) == 1
        recorded.add(is_recorded)
        site.save(record(summary=other) if minutes else delivery(folder=folder, impact=other))
        render_document(work, document_id, NOW)
        assert verify(site.governed, judged=is_recorded) == [], changes
        archive = site.documents / name_version(document_id, 1)
        assert archive.is_dir() == is_recorded, changes
        assert count(site, SEALED) == is_recorded, changes
        if is_recorded:
            for name in (DRAFT, CONTENT):
                said = (archive / name).read_text(encoding="utf-8")
                assert (SIGNED in said, EDITED in said) == (True, False), (changes, name)
            assert (archive / SHEET).read_text(encoding="utf-8") == signed.shown
        left = {one.name for one in site.documents.iterdir()} - {KEPT}
        assert left == {document_id, ".verrou", *([archive.name] if is_recorded else [])}, changes
        assert not list((site.documents / KEPT).glob("*")), changes
        shutil.rmtree(site.governed.root)
        changes += step
    assert recorded == {False, True}


@pytest.mark.usefixtures("_quick_pages")
def test_a_new_draft_that_is_killed_at_any_write_leaves_nothing_that_stops_the_list(tmp_path: Path) -> None:
    (tmp_path / "origine").mkdir()
    origin = make_site(tmp_path / "origine")
    changes, killed = 0, True
    while killed:
        site = copy_site(origin, tmp_path / f"copie-{changes}")
        work = work_on(site.governed)
        asked = Asked(DocumentKind.MINUTES, "AQ-12", held_on=date(2026, 11, 26))
        killed = cut(
            lambda work=work, asked=asked: start_document(work, asked, NOW),  # type: ignore[misc]
            site.governed.runs_dir,
            changes,
        )
        assert site.governed.cli("document", "list").returncode == 0, changes
        assert verify(site.governed) == [], changes
        shutil.rmtree(site.governed.root)
        changes += 1


@pytest.mark.parametrize("is_sealed", [True, False])
def test_an_archive_that_a_kill_left_aside_is_finished_and_told_once(site: Site, is_sealed: bool) -> None:
    document_id = site.save(delivery(folder=str(site.delivered)))
    assert site.validate(document_id)[0] == 0
    final = site.documents / name_version(document_id, 1)
    beside = site.documents / ".abcd1234"
    beside.mkdir()
    final.rename(beside / final.name)  # what a kill leaves between the line of the seal and the renaming
    if not is_sealed:
        (beside / final.name / MANIFEST).unlink()
    work = work_on(site.governed)
    render_document(work, document_id, NOW)
    assert verify(site.governed) == []
    assert {one.name for one in site.documents.iterdir()} - {KEPT} == {document_id, final.name, ".verrou"}
    entries = ledger.read_entries(work.journal.file)
    today = entries[-1].at.date()
    events = list_logged(entries, {}, "embarquee", date(2026, 1, 1), max(today, date(2026, 12, 31)))
    assert [one.line for one in events if document_id in one.event] == [entries[-1].sequence]


def test_a_sealed_archive_that_a_kill_left_aside_is_kept_whatever_is_made_next(site: Site) -> None:
    document_id = site.save(record())
    assert site.validate(document_id)[0] == 0
    final = site.documents / name_version(document_id, 1)
    (site.documents / ".abcd1234").mkdir()
    final.rename(site.documents / ".abcd1234" / final.name)
    site.save(record(summary="Autre chose."))
    other = site.save(delivery(folder=str(site.delivered)))
    render_document(work_on(site.governed), other, NOW)
    assert verify(site.governed) == []
    problem = make_document(work_on(site.governed), document_id, NOW).status.problem
    assert f"reste dans {final.name}" in problem


def test_an_archive_that_was_never_made_is_not_promised(site: Site) -> None:
    document_id = site.save(record())
    assert site.validate(document_id)[0] == 0
    shutil.rmtree(site.documents / name_version(document_id, 1))  # killed after the ledger
    site.save(record(summary="Autre chose."))
    problem = make_document(work_on(site.governed), document_id, NOW).status.problem
    assert "n'a pas été archivé" in problem
    assert "reste dans" not in problem


def test_a_text_that_the_page_cuts_is_signed_and_archived_to_its_last_word(site: Site) -> None:
    long = "Un relevé sans fin. " * 600
    document_id = site.save(record(summary=f"{long}Le dernier mot."))
    assert site.validate(document_id)[0] == 0
    archive = site.documents / name_version(document_id, 1)
    assert "Le dernier mot." in (archive / DRAFT).read_text(encoding="utf-8")
    assert "Le dernier mot." not in (archive / CONTENT).read_text(encoding="utf-8")
    assert "projet entier" in (archive / SHEET).read_text(encoding="utf-8")
    assert verify(site.governed) == []
    assert make_document(work_on(site.governed), document_id, NOW).status.validation is not None
    site.save(record(summary=f"{long}Un autre mot."))
    status = make_document(work_on(site.governed), document_id, NOW).status
    assert status.validation is None
    assert "ce qu'il dit a changé depuis" in status.problem


def test_a_draft_that_is_not_the_one_that_was_signed_is_told_whatever_seals_it(site: Site) -> None:
    document_id = site.save(record(summary="Un relevé sans fin. " * 600 + "Le dernier mot."))
    validate_document(work_on(site.governed), document_id, sign(site, document_id), NOW)
    archive = site.documents / name_version(document_id, 1)
    manifest, entries = read_manifest(archive), ledger.read_entries(site.governed.runs_dir / ledger.FILE)
    assert "contenu et fiche conformes" in judge_document(archive, manifest, entries)
    file = archive / DRAFT
    file.write_text(
        file.read_text(encoding="utf-8").replace("Le dernier mot.", "Un autre mot."), encoding="utf-8"
    )
    with pytest.raises(EvidenceWrong, match=r"ne porte pas l'empreinte de projet\.toml"):
        judge_document(archive, manifest, entries)


def test_a_document_is_not_made_of_a_ledger_whose_end_was_cut(site: Site) -> None:
    document_id = site.save(record())
    work = work_on(site.governed)
    at = NOW - timedelta(hours=1)
    held = record_event(work, document_id, RecordEvent.SENT, "titulaire-essai", at, "Envoyé.", NOW)
    publish_run(site.governed, "20261130T060000Z-embarquee-bbbbbb")
    lines = work.journal.file.read_bytes().splitlines(keepends=True)
    work.journal.file.write_bytes(b"".join(lines[: held.sequence - 1]))
    for asked in (
        lambda: make_document(work, document_id, NOW),
        lambda: start_document(work, Asked(DocumentKind.MINUTES, "AQ-12"), NOW),
    ):
        with pytest.raises(LedgerBroken):
            asked()
