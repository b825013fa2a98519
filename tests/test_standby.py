"""One pytest collects for the plan and executes it; where it cannot, another one does, and nothing is lost."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from nonreg.errors import UsageError
from nonreg.model import DrillStage, Outcome, PlannedDrill
from nonreg.plan import collect_scenarios
from nonreg.pytest_process import LoadedPytest, loading_pytest
from nonreg.waiting import wait_until
from tests.folder_runs import plan_loaded, run_loaded

ROOT = Path(__file__).parent.parent
SCENARIOS = """
import os, sys
from pathlib import Path
from nonreg.model import Criticality, Effect
from nonreg.recorder import scenario

with Path(__file__).with_name("chargements").open("a") as file:
    print(os.getpid(), os.environ.get("NONREG_RUN_DIR", ""), os.environ.get("NONREG_PLATFORM_FILE", ""), file=file)

@scenario("BASE-001", "Écrit", Criticality.MINEURE, Effect.WRITES_TEST_DATA)
def test_writes(witness):
    print("dit au journal", file=sys.__stdout__)
    witness.expect(True, "-- rien", "vrai", "vrai")

@scenario("BASE-002", "Lit", Criticality.MINEURE)
def test_reads(witness):
    witness.expect(False, "-- rien", "vrai", "faux")
"""
HOLDER = """
import select, sys
from pathlib import Path
from nonreg.pytest_process import loading_pytest

with loading_pytest(Path(sys.argv[1])) as loaded:
    if sys.argv[2] == "read":
        loaded.collect()
    else:
        select.select([loaded.process.line], [], [])
    print("prêt", flush=True)
    sys.stdin.read()
"""
DRILL = PlannedDrill("HD-101", "Exercice", DrillStage.CHARGE, (), (), "0")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "scenarios"
    found.mkdir()
    (found / "test_deux.py").write_text(SCENARIOS, encoding="utf-8")
    return found


def read_loads(folder: Path) -> list[str]:
    """One line for each time that the scenarios were loaded: by which process, and what it knew then."""
    return (folder / "chargements").read_text(encoding="utf-8").splitlines()


def run(loaded: LoadedPytest, folder: Path, run_dir: Path, *drills: PlannedDrill) -> list[Outcome]:
    plan = dataclasses.replace(plan_loaded(loaded, run_dir), drills=drills)
    return [one.outcome for one in run_loaded(loaded, plan, folder, run_dir).results]


def test_the_process_that_collected_executes_and_knew_of_no_platform_until_then(
    folder: Path, tmp_path: Path
) -> None:
    with loading_pytest(folder) as loaded:
        assert run(loaded, folder, tmp_path / "passage") == [Outcome.OK, Outcome.KO]
    (only,) = read_loads(folder)
    assert len(only.split()) == 1
    assert "dit au journal" in (tmp_path / "passage" / "pytest.log").read_text(encoding="utf-8")


def test_it_tells_the_same_scenarios_as_a_collection(folder: Path) -> None:
    with loading_pytest(folder) as loaded:
        assert loaded.collect() == collect_scenarios(folder)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import absent_partout\n", "Scénario illisible"),
        ("def test_nu(): pass\n", "sans métadonnées"),
        (SCENARIOS + SCENARIOS.replace("def test_", "def test_encore_"), "en double"),
    ],
)
def test_scenarios_that_are_not_sound_are_refused_with_their_reason(
    folder: Path, text: str, said: str
) -> None:
    (folder / "test_faux.py").write_text(text, encoding="utf-8")
    with loading_pytest(folder) as loaded, pytest.raises(UsageError, match=said):
        loaded.collect()


def test_scenarios_run_while_garbage_is_looked_for_except_among_what_was_loaded(
    folder: Path, tmp_path: Path
) -> None:
    text = """
import gc
from nonreg.model import Criticality
from nonreg.recorder import scenario

AT_LOAD = gc.isenabled()

@scenario("BASE-003", "Ramasse-miettes", Criticality.MINEURE)
def test_swept(witness):
    found = (AT_LOAD, gc.isenabled(), gc.get_freeze_count() > 10_000)
    witness.expect(found == (False, True, True), "-- rien", "(False, True, True)", str(found))
"""
    (folder / "test_deux.py").write_text(text, encoding="utf-8")
    with loading_pytest(folder) as loaded:
        assert run(loaded, folder, tmp_path / "passage") == [Outcome.OK]


def test_an_absent_folder_and_an_empty_one_are_told_as_by_a_collection(tmp_path: Path) -> None:
    with loading_pytest(tmp_path / "ailleurs") as loaded, pytest.raises(UsageError, match="introuvable"):
        loaded.collect()
    with loading_pytest(tmp_path) as loaded:
        assert loaded.collect() == ()


def test_another_process_executes_when_the_one_that_collected_was_killed(
    folder: Path, tmp_path: Path
) -> None:
    run_dir = tmp_path / "passage"
    with loading_pytest(folder) as loaded:
        plan = plan_loaded(loaded, run_dir)
        os.kill(int(read_loads(folder)[0]), signal.SIGKILL)
        wait_until(lambda: loaded.process.read_code() is not None, 20)
        found = run_loaded(loaded, plan, folder, run_dir)
    assert [one.outcome for one in found.results] == [Outcome.OK, Outcome.KO]
    assert len(read_loads(folder)) == 2


def test_before_drills_another_process_loads_what_was_approved(folder: Path, tmp_path: Path) -> None:
    with loading_pytest(folder) as loaded:
        assert run(loaded, folder, tmp_path / "passage", DRILL) == [Outcome.OK, Outcome.KO]
        assert loaded.process.read_code() is not None
    first, second = (line.split()[0] for line in read_loads(folder))
    assert first != second


@pytest.mark.parametrize("told", ["read", "unread"])
def test_what_waits_for_its_run_is_gone_with_a_campaign_that_was_killed(folder: Path, told: str) -> None:
    command = [sys.executable, "-c", HOLDER, str(folder), told]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as campaign:
        assert campaign.stdout is not None
        assert campaign.stdout.readline().decode() == "prêt\n"
        waiting = psutil.Process(int(read_loads(folder)[0]))
        campaign.kill()
    wait_until(lambda: not waiting.is_running() or waiting.status() == psutil.STATUS_ZOMBIE, 20)
