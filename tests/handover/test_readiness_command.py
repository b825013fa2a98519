"""Readiness of a governed platform: gathered, kept, told; the page, the flow, the ledger."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from nonreg import ledger
from nonreg.errors import LedgerBroken
from nonreg.handover.readiness import FOLDER, KIND
from nonreg.model.readiness import Grade, Readiness, Word
from nonreg.store import hash_file, load_json
from reports.readiness import build_readiness_page, describe_readiness
from tasks.handover_work import Work, make_work
from tasks.readiness import keep_readiness, measure_readiness
from tests.governed import Governed
from tests.handover.executions import TECHNIQUE, make_played
from tests.handover.prepared import EMBEDDED, find_all, measure, prepare
from tests.pages import check_page, check_pdf, read_all

NOW = datetime(2026, 12, 1, 4, 30, tzinfo=UTC)


@pytest.fixture
def work(governed: Governed) -> Work:
    """The governed platform, its site's facts and reviews those of the embedded one."""
    for name in ("site.toml", "reviews.toml"):
        (governed.governance / name).write_bytes((EMBEDDED / name).read_bytes())
    return make_work(str(governed.platform_file), governed.runs_dir)


def grade(readiness: Readiness, item_id: str) -> Grade:
    (found,) = [one.grade for one in readiness.items if one.id == item_id]
    return found


def test_a_platform_whose_binder_was_read_again_keeps_those_points_and_nothing_is_invented(
    work: Work,
) -> None:
    readiness = measure_readiness(work, NOW)
    assert {one.grade for one in readiness.items if one.id.startswith("dossier/")} == {Grade.GOOD}
    assert readiness.application_version == "5.2.0"  # what is declared: no database answers here
    assert readiness.word is Word.NOT_READY
    assert len([one for one in readiness.items if one.id.startswith("repetitions/")]) == 13


def test_what_cannot_be_read_is_told_and_hides_nothing_else(work: Work) -> None:
    (work.people.file.parent / "reviews.toml").write_text("reviews = 1\n", encoding="utf-8")
    readiness = measure_readiness(work, NOW)
    assert grade(readiness, "dossier/acces") is Grade.UNKNOWN
    assert grade(readiness, f"renforts/{TECHNIQUE}/contrat") is Grade.GOOD
    (work.people.file.parent / "site.toml").write_text("[autre]\n", encoding="utf-8")
    assert grade(measure_readiness(work, NOW), "repetitions/tests") is Grade.UNKNOWN


def test_an_execution_whose_folder_was_changed_is_told_and_a_broken_ledger_stops_everything(
    tmp_path: Path,
) -> None:
    played = make_played(tmp_path)
    execution = played.open()
    work = make_work(str(played.governed.platform_file), played.governed.runs_dir)
    file = played.journal.folder(execution.id) / "runbook.json"
    file.write_text(file.read_text("utf-8").replace("Accès", "Acces"), encoding="utf-8")
    assert grade(measure_readiness(work, NOW), f"repetitions/execution/{execution.id}") is Grade.UNKNOWN
    text = played.journal.file.read_text("utf-8")
    played.journal.file.write_text(text.replace("AQ-7", "AQ-8"), encoding="utf-8")
    with pytest.raises(LedgerBroken):
        measure_readiness(work, NOW)


def test_what_is_kept_is_a_page_and_values_whose_hashes_the_ledger_holds(work: Work) -> None:
    readiness = measure_readiness(work, NOW)
    page = keep_readiness(work, readiness)
    entry = ledger.read_entries(work.journal.file)[-1]
    assert (entry.kind, entry.platform, entry.person) == (KIND, "embarquee", "")
    assert (entry.data["score"], entry.data["word"]) == (readiness.score, "NON PRÊT")
    assert entry.data["causes"]["repetitions/tests"] == "non conforme"
    folder = work.runs_dir / FOLDER
    assert page.parent == folder
    for suffix, sha256 in entry.data["sha256"].items():
        assert hash_file(folder / f"{readiness.id}.{suffix}") == sha256
    assert load_json(Readiness, folder / f"{readiness.id}.json") == readiness


def test_the_command_says_each_lost_point_and_exits_1_when_not_ready(governed: Governed, work: Work) -> None:
    done = governed.cli("readiness", "--keep")
    assert done.returncode == 1
    assert "NON PRÊT, 52 sur 100" in done.stdout
    assert "✗ Tests de non-régression : Jamais joué jusqu'au bout." in done.stdout
    assert "−1,9 : Jouez-le : python -m nonreg runbook open tests --rehearsal" in done.stdout
    assert len(list((governed.runs_dir / FOLDER).glob("*.pdf"))) == 1
    (governed.governance / "people.toml").write_text("[[people]]\n", encoding="utf-8")
    refused = governed.cli("readiness")
    assert refused.returncode == 3
    assert refused.stderr.count("\n") == 1


def test_the_page_of_a_ready_handover_and_of_one_that_is_not_are_one_sheet_each(work: Work) -> None:
    for readiness in (measure(prepare()), measure_readiness(work, NOW)):
        document = build_readiness_page(readiness)
        page = check_page(document)
        assert readiness.word.value in page.text
        reader = check_pdf(document)
        assert len(reader.pages) == 1
        assert "".join(readiness.word.value.split()) in read_all(reader)


def test_the_page_tells_everything_that_was_looked_at(work: Work) -> None:
    readiness = measure_readiness(work, NOW)
    text = " ".join(check_page(build_readiness_page(readiness)).text.split())
    for one in readiness.items:
        assert " ".join(one.title.split()) in text
        assert " ".join(one.remedy.split()) in text


def test_hostile_texts_stay_texts_in_the_artifact() -> None:
    facts = prepare(title="<img src=x> [clic](http://exemple.invalid) | *gras*")
    findings = find_all(facts)
    readiness = replace(measure(facts), items=(*measure(facts).items,))
    assert len(findings) == len(readiness.items)
    shown = describe_readiness(readiness)
    assert "<img" not in shown.replace("\\<", "")
    assert "[clic](" not in shown.replace("\\[", "")
    assert shown.startswith("# ✓ PRÊT, 100 sur 100")
