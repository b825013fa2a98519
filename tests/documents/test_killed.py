"""Killed after the ledger, a validation is finished by the next rendering: one archive, told once, nothing beside."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest

from nonreg import ledger
from nonreg.documents.prefill import list_logged
from tasks.document_drafts import DRAFT
from tasks.documents import archive, make_document, name_version, render_document
from tests.documents.sites import NOW, Site, delivery, make_site, record
from tests.retention.sites import verify, work_on


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return make_site(tmp_path)


@pytest.mark.parametrize("is_sealed", [True, False])
def test_an_archive_that_a_kill_left_aside_is_finished_and_told_once(site: Site, is_sealed: bool) -> None:
    document_id = site.save(delivery(folder=str(site.delivered)))
    assert site.validate(document_id)[0] == 0
    final = site.documents / name_version(document_id, 1)
    beside = site.documents / ".abcd1234"
    beside.mkdir()
    final.rename(beside / final.name)  # what a kill leaves between the line of the seal and the renaming
    if not is_sealed:
        (beside / final.name / "manifest.json").unlink()
    work = work_on(site.governed)
    render_document(work, document_id, NOW)
    assert verify(site.governed) == []
    assert {one.name for one in site.documents.iterdir()} == {document_id, final.name, ".verrou"}
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


def test_the_draft_that_is_archived_is_the_one_that_was_signed(site: Site) -> None:
    document_id = site.save(record(summary="Ce qui a été signé."))
    assert site.validate(document_id)[0] == 0
    final = site.documents / name_version(document_id, 1)
    made = make_document(work_on(site.governed), document_id, NOW)
    assert made.status.validation is not None
    shutil.rmtree(final)
    site.save(record(summary="Ce qui a été écrit entre-temps."))
    archive(work_on(site.governed), made, made.status.validation, NOW)
    kept = (final / DRAFT).read_text(encoding="utf-8")
    assert "Ce qui a été signé." in kept
    assert "entre-temps" not in kept
