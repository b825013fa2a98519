"""What becomes of a scenario, whatever happens in it: run for real by pytest with the campaign's plugins."""

from __future__ import annotations

import re
import threading
from pathlib import Path

import pytest

from nonreg import store
from nonreg.assess import assess
from nonreg.model import Basis, CampaignRun, Failure, Outcome
from nonreg.waiting import wait_until
from tests.folder_runs import run_folder

SCENARIOS = """
import time
import pytest
from nonreg.clients.sql import load_query
from nonreg.errors import ConfigError, Unreachable
from nonreg.model import Criticality
from nonreg.recorder import scenario
from nonreg.witness import NotApplicable, NotRestored

MAJEURE = Criticality.MAJEURE

@scenario("BASE-001", "Bon", MAJEURE)
def test_good(witness):
    witness.expect_equal(1, 1, "requête")

@scenario("BASE-002", "Écarts", MAJEURE)
def test_gaps(witness):
    witness.expect_equal("trouvé", "attendu", "SELECT 1")
    witness.expect_equal(3, 4, "SELECT 2")

@scenario("BASE-003", "Assertion", MAJEURE)
def test_assertion(witness):
    witness.expect_equal(1, 1, "requête")
    assert False, "faux"

@scenario("BASE-004", "Injoignable", MAJEURE)
def test_unreachable():
    raise Unreachable("la base ne répond pas")

@scenario("BASE-005", "Contrôle cassé", MAJEURE)
def test_broken(witness):
    witness.nothing_of_that_name()

@scenario("BASE-006", "Sans vérification", MAJEURE)
def test_idle():
    pass

@scenario("BASE-007", "Sauté", MAJEURE)
def test_skipped():
    pytest.skip("pas aujourd'hui")

@scenario("BASE-008", "Sans objet", MAJEURE)
def test_not_applicable():
    raise NotApplicable("pas de radio ici")

@scenario("BASE-009", "Sans limite", MAJEURE, alone=True)
def test_measure(witness):
    witness.measure("latence", 1.5, "s", None, "mesure")

@scenario("BASE-010", "Trop lent", MAJEURE, alone=True)
def test_slow_measure(witness):
    witness.measure("latence", 1.5, "s", 1.0, "mesure")

@scenario("BASE-011", "Bloqué", MAJEURE, timeout_seconds=0.5)
def test_stuck(witness):
    witness.expect_equal(1, 1, "requête")
    threading_event = __import__("threading").Event()
    threading_event.wait(30)

@pytest.fixture
def dirty():
    yield
    assert False, "il reste 3 lignes"

@scenario("BASE-012", "Sale", MAJEURE)
def test_dirty(witness, dirty):
    witness.expect_equal(1, 1, "requête")

@pytest.fixture
def absent():
    raise Unreachable("hôte éteint")

@scenario("BASE-013", "Préparation impossible", MAJEURE)
def test_absent(absent):
    pass

@scenario("BASE-014", "Écart puis panne", MAJEURE)
def test_gap_then_failure(witness):
    witness.expect_equal(1, 2, "SELECT 1")
    raise Unreachable("la base ne répond plus")

@scenario("BASE-015", "Référence absente", MAJEURE)
def test_no_reference(witness):
    raise ConfigError("la référence « essai » ne contient pas columns.json")

@pytest.fixture
def unproved():
    yield
    raise Unreachable("hôte éteint depuis")

@scenario("BASE-016", "Remise en état impossible à voir", MAJEURE)
def test_unproved(witness, unproved):
    witness.expect_equal(1, 1, "requête")

@scenario("BASE-017", "Nettoyage dans le scénario", MAJEURE)
def test_left(witness):
    witness.expect_equal(1, 1, "requête")
    raise NotRestored("Fichiers d'essai restants : a.csv")

@scenario("BASE-018", "Sans objet sur ce moteur", MAJEURE)
def test_no_such_query(witness):
    load_query("mssql", "local_writes")
"""
EXPECTED = {
    "BASE-001": (Outcome.OK, None, ""),
    "BASE-002": (Outcome.KO, Failure.ECART, "Attendu : attendu ; trouvé : trouvé."),
    "BASE-003": (Outcome.KO, Failure.ECART, "faux"),
    "BASE-004": (Outcome.INCONCLUSIF, Failure.PLATEFORME, "la base ne répond pas"),
    "BASE-005": (Outcome.INCONCLUSIF, Failure.CONTROLE, "Contrôle défaillant (AttributeError"),
    "BASE-006": (Outcome.INCONCLUSIF, Failure.CONTROLE, "aucune vérification faite"),
    "BASE-007": (Outcome.NON_EXECUTE, None, "pas aujourd'hui"),
    "BASE-008": (Outcome.NON_APPLICABLE, None, "pas de radio ici"),
    "BASE-009": (Outcome.MESURE, None, "sans limite convenue"),
    "BASE-010": (Outcome.KO, Failure.ECART, "latence ≤ 1 s"),
    "BASE-011": (Outcome.INCONCLUSIF, Failure.DELAI, "Délai du scénario dépassé"),
    "BASE-012": (Outcome.KO, Failure.CONTROLE, "il reste 3 lignes"),
    "BASE-013": (Outcome.INCONCLUSIF, Failure.PLATEFORME, "hôte éteint"),
    "BASE-014": (Outcome.KO, Failure.ECART, "Attendu : 2 ; trouvé : 1."),
    "BASE-015": (Outcome.INCONCLUSIF, Failure.CONTROLE, "ne contient pas columns.json"),
    "BASE-016": (Outcome.INCONCLUSIF, Failure.CONTROLE, "Remise en état non prouvée : hôte éteint"),
    "BASE-017": (Outcome.KO, Failure.CONTROLE, "Fichiers d'essai restants"),
    "BASE-018": (Outcome.NON_APPLICABLE, None, "SQL Server ne garde pas l'origine d'une ligne"),
}


def read_restored(run_dir: Path) -> dict[str, bool]:
    ended = (event for event in store.read_events(run_dir) if event["event"] == "scenario_finished")
    return {event["result"]["scenario_id"]: event["restored"] for event in ended}


@pytest.fixture(scope="module", params=["à la fois", "un par un"])
def run_dir(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of all of them, as far as they may at once, or one after the other."""
    folder, run_dir = tmp_path_factory.mktemp("scenarios"), tmp_path_factory.mktemp("passage")
    text = SCENARIOS.replace(", alone=True", "")
    one_by_one = re.sub(r"^(@scenario.*)\)$", r"\1, alone=True)", text, flags=re.MULTILINE)
    kept = SCENARIOS if request.param == "à la fois" else one_by_one
    (folder / "test_tous.py").write_text(kept, encoding="utf-8")
    run_folder(folder, run_dir)
    return run_dir


@pytest.fixture(scope="module")
def run(run_dir: Path) -> CampaignRun:
    return store.load_run(run_dir)


@pytest.mark.parametrize("scenario_id", EXPECTED)
def test_each_end_of_a_scenario_has_its_outcome_its_kind_and_its_reason(
    run: CampaignRun, scenario_id: str
) -> None:
    result = next(found for found in run.results if found.scenario_id == scenario_id)
    outcome, failure, words = EXPECTED[scenario_id]
    assert (result.outcome, result.failure, result.attempt) == (outcome, failure, 1)
    assert words in result.message


def test_what_may_have_left_something_behind_is_marked_so(run: CampaignRun, run_dir: Path) -> None:
    dirty = {scenario_id for scenario_id, restored in read_restored(run_dir).items() if not restored}
    assert dirty == {"BASE-012", "BASE-016", "BASE-017"}


def test_every_gap_of_a_scenario_is_kept_with_its_request(run: CampaignRun) -> None:
    result = next(found for found in run.results if found.scenario_id == "BASE-002")
    assert [(gap.request, gap.expected, gap.found) for gap in result.gaps] == [
        ("SELECT 1", "attendu", "trouvé"),
        ("SELECT 2", "4", "3"),
    ]


def test_pytest_itself_reports_a_failure_when_there_are_gaps(run: CampaignRun) -> None:
    assert run.pytest_exit == 1


def test_a_run_of_good_scenarios_ends_with_code_0(tmp_path: Path) -> None:
    folder = tmp_path / "scenarios"
    folder.mkdir()
    text = SCENARIOS.split('@scenario("BASE-002"')[0]
    (folder / "test_bon.py").write_text(text, encoding="utf-8")
    assert run_folder(folder, tmp_path / "passage").pytest_exit == 0


def test_a_folder_of_scenarios_that_do_not_apply_is_no_failure_to_pytest(tmp_path: Path) -> None:
    folder = tmp_path / "scenarios"
    folder.mkdir()
    text = SCENARIOS.split("@scenario")[0] + (
        "@pytest.fixture\n"
        "def nothing():\n"
        '    raise NotApplicable("pas de radio ici")\n'
        '@scenario("BASE-008", "Sans objet", MAJEURE)\n'
        "def test_not_applicable():\n"
        '    raise NotApplicable("pas de radio ici")\n'
        '@scenario("BASE-009", "Sans objet dès la préparation", MAJEURE)\n'
        "def test_not_applicable_at_all(nothing):\n"
        "    pass\n"
    )
    (folder / "test_sans_objet.py").write_text(text, encoding="utf-8")
    run = run_folder(folder, tmp_path / "passage")
    assert [result.outcome for result in run.results] == [Outcome.NON_APPLICABLE] * 2
    assert run.pytest_exit == 0
    assert not [reason for reason in assess(run, Basis()).reasons if "pytest" in reason]
    assert "2 skipped" in (tmp_path / "passage" / "pytest.log").read_text(encoding="utf-8")


def test_a_stop_ends_pytest_and_says_so(tmp_path: Path) -> None:
    folder = tmp_path / "scenarios"
    folder.mkdir()
    text = SCENARIOS.split("@scenario")[0] + (
        '@scenario("BASE-011", "Bloqué", MAJEURE)\n'
        "def test_stuck(witness):\n"
        '    __import__("threading").Event().wait(60)\n'
    )
    (folder / "test_bloque.py").write_text(text, encoding="utf-8")
    stop = threading.Event()
    run_dir = tmp_path / "passage"

    def stop_when_started() -> None:
        # The file exists a moment before its first line does.
        wait_until(lambda: list(store.read_events(run_dir)), 60, "premier scénario commencé")
        stop.set()

    threading.Thread(target=stop_when_started, daemon=True).start()
    run = run_folder(folder, run_dir, stop)
    assert run.interruption == "Campagne arrêtée à la demande."
    assert [result.outcome for result in run.results] == [Outcome.INCONCLUSIF]


@pytest.mark.parametrize(
    ("left", "is_done"),
    [
        ("atexit.register(lambda: END.write_text('fini'))", False),
        ("threading.Thread(target=end_after_pytest, daemon=False).start()", True),
    ],
    ids=["rien", "un fil"],
)
def test_pytest_leaves_when_all_is_written_unless_a_thread_of_a_scenario_goes_on(
    tmp_path: Path, left: str, is_done: bool
) -> None:
    folder, end = tmp_path / "scenarios", tmp_path / "fin"
    folder.mkdir()
    text = SCENARIOS.split("@scenario")[0] + (
        "import atexit, threading\n"
        "from pathlib import Path\n"
        f"END = Path({str(end)!r})\n"
        "def end_after_pytest():\n"
        "    threading.main_thread().join()\n"
        "    END.write_text('fini')\n"
        '@scenario("BASE-011", "Laisse quelque chose", MAJEURE)\n'
        "def test_leaves(witness):\n"
        '    witness.expect_equal(1, 1, "requête")\n'
        f"    {left}\n"
    )
    (folder / "test_fin.py").write_text(text, encoding="utf-8")
    run = run_folder(folder, tmp_path / "passage")
    assert ([result.outcome for result in run.results], run.pytest_exit) == ([Outcome.OK], 0)
    assert "1 passed" in (tmp_path / "passage" / "pytest.log").read_text(encoding="utf-8")
    assert end.exists() == is_done


def test_an_error_at_the_very_end_of_pytest_is_told_and_is_no_success(tmp_path: Path) -> None:
    folder = tmp_path / "scenarios"
    folder.mkdir()
    text = SCENARIOS.split("@scenario")[0] + (
        '@scenario("BASE-011", "Bon", MAJEURE)\n'
        "def test_good(witness):\n"
        '    witness.expect_equal(1, 1, "requête")\n'
    )
    (folder / "test_bon.py").write_text(text, encoding="utf-8")
    (folder / "conftest.py").write_text(
        "import os\n"
        "def pytest_sessionfinish():\n"
        "    if 'NONREG_RUN_DIR' in os.environ:\n"
        "        raise RuntimeError('fin manquée')\n",
        encoding="utf-8",
    )
    run = run_folder(folder, tmp_path / "passage")
    assert [result.outcome for result in run.results] == [Outcome.OK]
    assert run.pytest_exit not in (0, None)
    assert "fin manquée" in (tmp_path / "passage" / "pytest.log").read_text(encoding="utf-8")
