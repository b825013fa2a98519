"""The question before an intervention, on a running platform: answer published, action blocked without it."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from nonreg import ledger
from nonreg.intervention import make_intervention
from nonreg.ledger_witness import collect_witnesses, verify_ledger
from nonreg.model import EffectLimit, InterventionKind, Outcome
from nonreg.sandbox.layout import Layout
from tasks.intervention import find_run
from tests.governed import ALL_GOOD, Governed, make_governed, publish_run

KIND = ("--kind", "script_sql", "--ticket", "AQ-31")
NO_REPLICATION = ("--touches-replication", "non")
ASKED = (*KIND, *NO_REPLICATION, "--reason", "Aucune table publiée n'est modifiée.")


@pytest.fixture
def governed(sandbox: Layout, tmp_path: Path) -> Governed:
    """The running platform with runs of the test's own."""
    return make_governed(tmp_path, sandbox.platform_file)


def require(governed: Governed, *words: str) -> tuple[int, str]:
    done = governed.cli("require-go", *(words or (*KIND, *NO_REPLICATION)))
    return done.returncode, done.stdout + done.stderr


def test_a_fresh_good_run_answers_go_and_lets_the_intervention_begin(governed: Governed) -> None:
    publish_run(governed, "frais", started_at=datetime.now(UTC))
    assert require(governed)[0] == 1
    done = governed.cli("pre-intervention", *ASKED, "--person", "titulaire-essai")
    assert done.returncode == 0, done.stderr
    assert "Réponse : GO" in done.stdout
    (folder,) = (governed.runs_dir / "interventions").iterdir()
    html = (folder / "page.html").read_text(encoding="utf-8")
    for said in (
        "Décision avant intervention",
        "AQ-31",
        "non : Aucune table publiée",
        "titulaire-essai",
        "frais",
    ):
        assert said in html
    assert (folder / "page.pdf").read_bytes().startswith(b"%PDF")
    assert require(governed)[0] == 0
    assert verify_ledger(governed.runs_dir / ledger.FILE, collect_witnesses(governed.runs_dir)).witnesses >= 2


def test_another_ticket_kind_or_replication_stays_blocked(governed: Governed) -> None:
    publish_run(governed, "frais", started_at=datetime.now(UTC))
    assert governed.cli("pre-intervention", *ASKED).returncode == 0
    for words in (
        ("--kind", "script_sql", "--ticket", "AQ-32", *NO_REPLICATION),
        ("--kind", "deploiement", "--ticket", "AQ-31", *NO_REPLICATION),
        (*KIND, "--touches-replication", "oui"),
    ):
        code, said = require(governed, *words)
        assert code == 1
        assert "bloquée" in said


def test_a_fresh_ko_run_answers_no_go_with_its_reasons(governed: Governed) -> None:
    publish_run(governed, "ko", {**ALL_GOOD, "APP-001": Outcome.KO}, datetime.now(UTC))
    done = governed.cli("pre-intervention", *ASKED)
    assert done.returncode == 1
    assert "Réponse : NO-GO" in done.stdout
    assert "APP-001" in done.stdout
    assert require(governed)[0] == 1


def test_a_later_no_go_takes_an_earlier_go_back(governed: Governed) -> None:
    publish_run(governed, "un", started_at=datetime.now(UTC) - timedelta(hours=1))
    assert governed.cli("pre-intervention", *ASKED).returncode == 0
    publish_run(governed, "deux", {**ALL_GOOD, "APP-001": Outcome.KO}, datetime.now(UTC))
    assert governed.cli("pre-intervention", *ASKED).returncode == 1
    code, said = require(governed)
    assert code == 1
    assert "NO-GO" in said


def test_a_newer_ko_that_cannot_answer_makes_no_older_go(governed: Governed) -> None:
    publish_run(governed, "un", started_at=datetime.now(UTC) - timedelta(hours=1))
    assert governed.cli("pre-intervention", *ASKED).returncode == 0
    assert require(governed)[0] == 0
    ko = {**ALL_GOOD, "APP-001": Outcome.KO}
    publish_run(governed, "deux", ko, datetime.now(UTC), selection="APP-*")
    code, said = require(governed)
    assert code == 1
    assert "plus récent est KO : deux" in said
    shutil.rmtree(governed.runs_dir / "deux")  # the ledger remembers
    assert require(governed)[0] == 1


def test_a_go_falls_with_its_run_its_reference_or_the_end_of_the_ledger(governed: Governed) -> None:
    run_dir = publish_run(governed, "un", started_at=datetime.now(UTC))
    assert governed.cli("pre-intervention", *ASKED).returncode == 0
    path = governed.runs_dir / ledger.FILE
    for file in (run_dir / "report.json", run_dir / "events.jsonl", path):
        whole = file.read_bytes()
        file.write_bytes(whole[:-1])
        assert require(governed)[0] == 1, file
        file.write_bytes(whole)
        assert require(governed)[0] == 0
    (governed.governance / "baselines").mkdir()
    (governed.governance / "baselines" / "0001-5.2.0.json").write_text("{}", encoding="utf-8")
    code, said = require(governed)
    assert code == 1
    assert "0001-5.2.0.json" in said


def test_nothing_is_left_of_an_answer_that_could_not_be_recorded(governed: Governed) -> None:
    publish_run(governed, "un", started_at=datetime.now(UTC))
    path = governed.runs_dir / ledger.FILE
    path.write_bytes(path.read_bytes().replace(b"campagne", b"campagnf"))
    assert governed.cli("pre-intervention", *ASKED).returncode != 0
    folder = governed.runs_dir / "interventions"
    assert not folder.exists() or list(folder.iterdir()) == []


def test_a_decision_that_was_edited_blocks(governed: Governed) -> None:
    publish_run(governed, "ko", {**ALL_GOOD, "APP-001": Outcome.KO}, datetime.now(UTC))
    governed.cli("pre-intervention", *ASKED)
    (file,) = (governed.runs_dir / "interventions").glob("*/decision.json")
    data = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps({**data, "answer": "GO"}), encoding="utf-8")
    code, said = require(governed)
    assert code == 1
    assert "modifiée" in said


def test_a_run_of_a_version_that_is_no_longer_installed_is_no_go(governed: Governed) -> None:
    governed.change_platform('application_version = "5.2.0"', 'application_version = "5.3.0"')
    publish_run(governed, "frais", started_at=datetime.now(UTC))
    done = governed.cli("pre-intervention", *ASKED)
    assert done.returncode == 1
    assert "La version installée est maintenant 5.2.0" in done.stdout


def test_a_read_only_night_does_not_answer_and_an_older_whole_run_does(governed: Governed) -> None:
    now = datetime.now(UTC)
    night = publish_run(
        governed, "nuit", started_at=now, effects=EffectLimit.LECTURE, effects_left_out=("BASE-020",)
    )
    asked = make_intervention("AQ-31", InterventionKind.SCRIPT_SQL, True, False, "Aucune table publiée.")
    assert find_run(governed.platform, asked, night.parent, now, 24.0) is None
    whole = publish_run(governed, "entier", started_at=now - timedelta(hours=2))
    assert find_run(governed.platform, asked, night.parent, now, 24.0) == whole


@pytest.mark.prefect
def test_without_a_fresh_run_a_campaign_is_run_first(governed: Governed) -> None:
    publish_run(governed, "vieux", started_at=datetime.now(UTC) - timedelta(hours=30))
    publish_run(governed, "partiel", started_at=datetime.now(UTC), selection="BASE-*")
    publish_run(governed, "incomplet", {**ALL_GOOD, "APP-001": Outcome.INCONCLUSIF}, datetime.now(UTC))
    governed.change_platform('default_ticket = "AQ-0"', 'default_ticket = ""')
    governed.change_platform('nature = "TEST"', 'nature = "DEV"')  # refused by PRE-01: nothing long is run
    done = governed.cli("pre-intervention", *ASKED)
    assert done.returncode == 1
    assert "Verdict : INCOMPLET" in done.stdout
    assert "Réponse : NO-GO" in done.stdout


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            ("--kind", "bascule", "--ticket", "AQ-31", *NO_REPLICATION, "--reason", "Une bascule, oui."),
            "touche toujours",
        ),
        ((*KIND, *NO_REPLICATION, "--reason", "non"), "pourquoi"),
        ((*ASKED, "--max-age-hours", "48"), "Âge maximal refusé"),
        ((*KIND, *NO_REPLICATION), "obligatoires absents"),
    ],
)
def test_a_wrong_question_is_answered_in_one_sentence(
    governed: Governed, words: tuple[str, ...], sentence: str
) -> None:
    done = governed.cli("pre-intervention", *words)
    assert done.returncode == 3
    assert sentence in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_an_unknown_person_is_refused_and_a_name_never_enters_the_ledger(governed: Governed) -> None:
    publish_run(governed, "frais", started_at=datetime.now(UTC))
    done = governed.cli("pre-intervention", *ASKED, "--person", "Ondine Rivelune")
    assert done.returncode == 3
    assert "Personne inconnue" in done.stderr
    assert "Rivelune" not in (governed.runs_dir / ledger.FILE).read_text(encoding="utf-8")
