"""What is acknowledged as read is kept with its hash at that moment, and the record shows it."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from nonreg.errors import ConfigError, UsageError
from nonreg.handover.answer import Answer
from nonreg.handover.integrated import find_reading
from nonreg.handover.runbook_file import RUNBOOKS_DIR, RUNBOOKS_VARIABLE, load_runbook, read_runbook
from nonreg.model.handover import Execution, StepDone
from tasks.handover import answer_step, publish_record
from tasks.handover_documents import PRODUCERS
from tasks.handover_work import Work
from tests.governed import Governed
from tests.handover.activations import integrate, make_site, work_on
from tests.handover.executions import TECHNIQUE, TITULAIRE

READ = ("installation", "deploiement", "retour-arriere", "tests", "bascule-hd")
SAID = {
    **dict.fromkeys(("tickets_lus", "analyse_lue", "installation_lue", "deploiement_lu"), "oui"),
    **dict.fromkeys(("retour_lu", "tests_lus", "bascule_lue"), "oui"),
    "versions": "rapport d'analyse, version 1.0",
}


@pytest.fixture
def governed(tmp_path: Path) -> Governed:
    return make_site(tmp_path)


@pytest.fixture
def work(governed: Governed) -> Work:
    return work_on(governed)


def read(work: Work, **changes: str) -> tuple[Execution, StepDone]:
    execution = integrate(work, until="O6")
    after = answer_step(work, execution, Answer("O7", TECHNIQUE, {**SAID, **changes}))
    done = after.find("O7")
    assert done is not None
    return after, done


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_each_runbook_and_the_history_of_tickets_are_kept_as_they_were_read(work: Work) -> None:
    after, done = read(work)
    found = {one.title: one.sha256 for one in done.evidence}
    for name in READ:
        version = load_runbook(RUNBOOKS_DIR / f"{name}.toml").version
        assert found[f"Runbook « {name} », version {version}"] == sha256(RUNBOOKS_DIR / f"{name}.toml")
    assert len(found) == len(READ) + 1
    for one in done.evidence:
        assert sha256(work.journal.folder(after.id) / one.path) == one.sha256
    tickets = next(one for one in done.evidence if one.title == "Historique des tickets")
    assert "AQ-140" in (work.journal.folder(after.id) / tickets.path).read_text("utf-8")
    page = publish_record(work, after).read_text("utf-8")
    assert all(one.sha256 in page for one in done.evidence)


def test_it_is_what_was_read_then_whatever_the_file_becomes(
    work: Work, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "site"
    own.mkdir()
    shipped = (RUNBOOKS_DIR / "tests.toml").read_text(encoding="utf-8")
    (own / "tests.toml").write_text(shipped + "# précisé\n", encoding="utf-8")
    monkeypatch.setenv(RUNBOOKS_VARIABLE, str(own))
    execution = read(work)[0]
    own_sha256 = sha256(own / "tests.toml")
    (own / "tests.toml").write_text(shipped, encoding="utf-8")
    reading = find_reading([execution])
    assert reading is not None
    assert reading.hashes["tests"] == own_sha256


def test_the_analysis_report_is_kept_where_the_site_says_it_is(work: Work, governed: Governed) -> None:
    site, report = governed.governance / "site.toml", governed.root / "analyse.pdf"
    report.write_bytes(b"%PDF-1.7 analyse")
    site.write_text(site.read_text("utf-8") + f'"rapport d\'analyse" = "{report}"\n', encoding="utf-8")
    done = read(work)[1]
    found = {one.title: one.sha256 for one in done.evidence}
    assert found["Rapport d'analyse"] == sha256(report)


def test_an_analysis_report_that_is_not_there_is_not_acknowledged(work: Work, governed: Governed) -> None:
    site = governed.governance / "site.toml"
    site.write_text(site.read_text("utf-8") + '"rapport d\'analyse" = "absent.pdf"\n', encoding="utf-8")
    execution = integrate(work, until="O6")
    with pytest.raises(UsageError, match=r"Rapport d'analyse introuvable : .*absent\.pdf"):
        answer_step(work, execution, Answer("O7", TECHNIQUE, SAID))
    assert work.journal.load(execution.id).find("O7") is None


def test_an_answer_that_is_refused_keeps_no_document(work: Work) -> None:
    execution = integrate(work, until="O6")
    before = sorted(work.journal.folder(execution.id).rglob("*"))
    for person, said in ((TITULAIRE, SAID), (TECHNIQUE, {**SAID, "tests_lus": "non"})):
        with pytest.raises(UsageError):
            answer_step(work, execution, Answer("O7", person, said))
    assert sorted(work.journal.folder(execution.id).rglob("*")) == before


def test_the_workstation_no_longer_keeps_what_the_reading_keeps() -> None:
    assert "poste" not in PRODUCERS


@pytest.mark.parametrize(
    ("field", "sentence"),
    [
        ('kind = "texte", document = "tickets"', "va avec kind « oui »"),
        ('kind = "oui", document = "roman"', "« tickets », « analyse » ou « runbook:… »"),
    ],
)
def test_a_runbook_names_no_document_that_could_not_be_kept(field: str, sentence: str) -> None:
    text = f"""
title = "Essai"
summary = "Un essai."
version = "1"
[[steps]]
id = "E1"
title = "Lire"
role = "titulaire"
kind = "confirmation"
instructions = "Lire."
evidence = "Lu."
fields = [{{ id = "lu", label = "Lu", {field} }}]
"""
    with pytest.raises(ConfigError) as caught:
        read_runbook(text, Path("essai.toml"))
    assert sentence in str(caught.value)


def test_when_it_was_read_is_when_it_was_acknowledged(work: Work) -> None:
    before = datetime.now(UTC)
    reading = find_reading([read(work)[0]])
    assert reading is not None
    assert before <= reading.at <= datetime.now(UTC)
