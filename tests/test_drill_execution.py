"""Campaigns with drills: whatever becomes of one, what it broke is healed, and the end of the campaign proves it."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from nonreg import execute, ledger, store
from nonreg.config import Platform
from nonreg.drills.aftermath import heal_all
from nonreg.drills.operator import OperatorStep, ask, list_open
from nonreg.drills.register import hold_drills, new_entry_id, open_register
from nonreg.errors import DrillRefused
from nonreg.model import (
    CampaignPlan,
    CampaignReport,
    DrillRecord,
    Fact,
    Failure,
    Outcome,
    PlannedFault,
    Scenario,
    Verdict,
)
from nonreg.plan import collect_scenarios
from nonreg.sandbox.layout import Layout
from nonreg.waiting import wait_until
from tasks.publication import publish_report
from tests.campaigns import run_campaign
from tests.drilled import BODIES, BREAKING, HEADER, ROLES, Ground, write_catalog

pytestmark = [pytest.mark.drills, pytest.mark.xdist_group("drills")]  # their platform is broken in turn
ROOT = Path(__file__).parent.parent
INTERRUPTED = "Interrompu en cours d'exécution."


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, tuple[Scenario, ...]]:
    folder = write_catalog(tmp_path_factory.mktemp("catalogue"), ROLES, BODIES, header=HEADER + BREAKING)
    return folder, collect_scenarios(folder)


@pytest.fixture
def ground(sandbox: Layout, catalog: tuple[Path, tuple[Scenario, ...]]) -> Iterator[Ground]:
    found = Ground(sandbox, *catalog)
    yield found
    found.put_back()


def outcomes(report: CampaignReport) -> dict[str, Outcome]:
    return {one.scenario_id: one.outcome for one in report.run.results}


def closing(report: CampaignReport) -> dict[str, Outcome]:
    return {one.scenario_id: one.outcome for one in report.run.closing}


GOOD_END = {"HD-001": Outcome.OK, "HD-002": Outcome.OK}


def test_a_drill_that_leaves_its_fault_is_healed_once_and_never_tried_again(
    ground: Ground, tmp_path: Path
) -> None:
    report = ground.drill(tmp_path, "HD-921,HD-910", retries=1)
    found = [(one.scenario_id, one.attempt, one.outcome) for one in report.run.results]
    assert found == [("HD-910", 1, Outcome.KO), ("HD-921", 1, Outcome.KO), ("HD-910", 2, Outcome.OK)]
    assert ground.client_runs()
    assert open_register(ground.platform).pending() == ()
    (healed,) = report.run.healed
    assert healed.startswith("Guéri — HD-921, arrêter le service client")
    assert closing(report) == GOOD_END
    assert [one.scenario_id for one in report.run.drills] == ["HD-921"]
    assert isinstance(report.run.drills[0], DrillRecord)
    assert report.assessment.verdict is Verdict.KO
    assert healed in report.assessment.reserves
    run_dir = tmp_path / "passage"
    assert (run_dir / "evidence" / "HD-002" / "controle-final" / "tat.txt").is_file()
    assert (run_dir / "pytest-essai-2.log").is_file()
    assert (run_dir / "pytest-final.log").is_file()


def test_a_drill_whose_process_dies_is_inconclusive_and_its_fault_is_healed(
    ground: Ground, tmp_path: Path
) -> None:
    report = ground.drill(tmp_path, "HD-922")
    (result,) = report.run.results
    assert (result.outcome, result.message) == (Outcome.INCONCLUSIF, INTERRUPTED)
    assert report.run.pytest_exit == 9
    assert ground.client_runs()
    assert "HD-922" in report.run.healed[0]
    assert closing(report) == GOOD_END
    assert report.assessment.verdict is Verdict.INCOMPLET


def test_a_campaign_that_is_stopped_in_a_drill_heals_and_checks_before_it_ends(
    ground: Ground, tmp_path: Path
) -> None:
    stop, register = threading.Event(), open_register(ground.platform)

    def stop_in_the_middle() -> None:
        wait_until(lambda: any(one.injected for one in register.pending()), 60)
        step = OperatorStep.new("passage", "HD-923", "1", "Rebrancher", 60.0)
        ask(ground.platform, step)  # nobody waits for it any more once the campaign has ended
        stop.set()

    thread = threading.Thread(target=stop_in_the_middle)
    thread.start()
    report = ground.drill(tmp_path, "HD-923", stop=stop)
    thread.join()
    assert report.run.interruption == "Campagne arrêtée à la demande."
    assert outcomes(report) == {"HD-923": Outcome.INCONCLUSIF}
    assert ground.client_runs()
    assert closing(report) == GOOD_END
    assert list_open(ground.platform) == ()


def test_what_a_drill_broke_without_saying_so_is_found_by_the_closing_checks_and_its_approval_is_kept(
    ground: Ground, tmp_path: Path
) -> None:
    report = ground.drill(tmp_path, "HD-924")
    assert outcomes(report) == {"HD-924": Outcome.OK}
    assert closing(report) == {"HD-001": Outcome.OK, "HD-002": Outcome.KO}
    assert report.assessment.verdict is Verdict.KO
    said = "1 contrôle(s) final(s) KO, plateforme non laissée comme trouvée : HD-002."
    assert report.assessment.reasons[0] == said

    run_dir = tmp_path / "passage"
    publish_report(run_dir, report)
    entry = ledger.read_entries(tmp_path / ledger.FILE)[-1]
    assert (entry.data["approval"], entry.data["drills"]) == ("D-0123456789ab", ["HD-924"])
    hashes = json.loads((run_dir / "manifest.json").read_text(encoding="utf-8"))["files"]
    assert "approval.json" in hashes


KILLED = """
import sys
from pathlib import Path
from tests.campaigns import run_campaign
file, run_dir, scenarios, drills = sys.argv[1:]
run_campaign(Path(file), Path(run_dir), "hd", "HD-923", scenarios, drills=drills)
"""


def test_a_drill_that_never_injects_what_it_planned_proves_nothing(ground: Ground, tmp_path: Path) -> None:
    report = ground.drill(tmp_path, "HD-926")
    (result,) = report.run.results
    assert (result.outcome, result.failure) == (Outcome.INCONCLUSIF, Failure.CONTROLE)
    assert "panne prévue, jamais injectée : arrêter le service client" in result.message
    assert "Remise en état" not in result.message
    assert closing(report) == GOOD_END


def test_what_a_killed_campaign_broke_is_healed_and_named_by_the_next_one(
    ground: Ground, tmp_path: Path
) -> None:
    drills = ground.approve(tmp_path / "autorisation.json", "HD-923")
    words = [str(one) for one in (ground.layout.platform_file, tmp_path / "tue", ground.folder, drills)]
    register = open_register(ground.platform)
    with subprocess.Popen([sys.executable, "-c", KILLED, *words], cwd=ROOT) as process:
        wait_until(lambda: any(one.injected for one in register.pending()), 90)
        os.kill(process.pid, signal.SIGKILL)
    assert not ground.client_runs()
    killed = store.load_run(tmp_path / "tue")
    assert [(one.outcome, one.message) for one in killed.results] == [(Outcome.INCONCLUSIF, INTERRUPTED)]
    assert (killed.ended_at, killed.closing) == (None, ())

    report = ground.run(tmp_path / "suivant", "HD-002")
    assert outcomes(report) == {"HD-002": Outcome.OK}
    (healed,) = report.run.healed
    assert "Guéri — HD-923" in healed
    assert "(passage tue)" in healed
    assert healed in report.assessment.reserves
    assert report.run.closing == ()


def test_nothing_is_executed_on_a_platform_that_only_a_person_can_heal(
    ground: Ground, tmp_path: Path
) -> None:
    fault = PlannedFault(
        "HD-927/1",
        "by_hand",
        "SITE-B",
        (("instruction", "rebrancher"),),
        30.0,
        ("srv-b",),
        "a",
        "g",
        by_hand=True,
    )
    open_register(ground.platform).add("hier", "HD-927", fault, {}, new_entry_id())
    report = ground.run(tmp_path / "passage", "HD-002")
    assert (report.run.results, report.run.guards, report.run.healed) == ((), (), ())
    said = report.run.interruption
    assert said.startswith("Rien n'a été exécuté : la plateforme n'est pas guérie d'un passage précédent.")
    assert "À faire par une personne — HD-927" in said
    assert f"python -m nonreg heal --platform {ground.layout.platform_file}" in said
    assert report.assessment.verdict is Verdict.INCOMPLET


def test_nothing_is_healed_where_the_platform_file_is_not_that_of_a_test_platform(
    ground: Ground, tmp_path: Path
) -> None:
    text = ground.layout.platform_file.read_text(encoding="utf-8").replace(
        'nature = "TEST"', 'nature = "PROD"'
    )
    other = tmp_path / "prod.toml"
    other.write_text(text, encoding="utf-8")
    fault = PlannedFault(
        "HD-927/1", "service_stopped", "SITE-B", (("service", "client"),), 30.0, ("srv-b",), "a", "g"
    )
    open_register(ground.platform).add("hier", "HD-927", fault, {}, new_entry_id())
    report = run_campaign(other, tmp_path / "passage", "hd", "HD-002", str(ground.folder))
    assert "Rien n'est guéri, ce n'est pas la plateforme de test : le fichier" in report.run.interruption
    assert len(open_register(ground.platform).pending()) == 1


def test_nothing_is_healed_where_a_database_answers_with_another_marker(ground: Ground) -> None:
    fault = PlannedFault(
        "HD-927/1", "service_stopped", "SITE-B", (("service", "client"),), 30.0, (), "a", "g"
    )
    platform = dataclasses.replace(ground.platform, identity_token="0a1b")
    register = open_register(platform)
    register.add("hier", "HD-927", fault, {}, new_entry_id())
    with pytest.raises(DrillRefused, match="SITE-A porte le jeton d'une autre plateforme"):
        heal_all(platform, "essai")
    assert [(one.healed, one.error) for one in register.pending()] == [(False, "")]


def test_an_approval_that_no_longer_holds_once_the_guards_are_asked_lets_nothing_begin(
    ground: Ground, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_catalog(tmp_path / "scenarios", ROLES, BODIES, header=HEADER + BREAKING)
    own = dataclasses.replace(ground, folder=folder)

    def read_and_change(platform: Platform, at: datetime) -> tuple[Fact, ...]:
        write_catalog(folder, ROLES, BODIES, "# une ligne de plus\n", header=HEADER + BREAKING)
        return ()

    monkeypatch.setattr(execute, "read_facts", read_and_change)
    report = own.drill(tmp_path, "HD-924")
    assert report.run.interruption.startswith(
        "Rien n'a été exécuté : L'autorisation D-0123456789ab est d'un autre"
    )
    assert (report.run.results, report.run.closing) == ((), ())
    assert {guard.status.stops for guard in report.run.guards} == {False}
    assert report.assessment.verdict is Verdict.INCOMPLET
    assert ground.client_runs()


def test_a_campaign_is_refused_while_another_process_heals_or_drills_and_names_it(
    ground: Ground, tmp_path: Path
) -> None:
    with hold_drills(open_register(ground.platform), "passage-d-hier"):
        report = ground.run(tmp_path / "passage", "HD-002")
    assert report.run.results == ()
    assert "est en cours sur cette plateforme : passage-d-hier, " in report.run.interruption
    assert report.assessment.verdict is Verdict.INCOMPLET


def test_test_data_is_left_where_what_a_drill_broke_could_not_be_healed(
    ground: Ground, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def clean_on_a_site_that_may_be_passive(_platform: Platform, _plan: CampaignPlan) -> str:
        raise AssertionError

    monkeypatch.setattr(execute, "heal_own", lambda *_: "Plateforme non remise en état. Rôles inversés.")
    monkeypatch.setattr(execute, "clean_test_data", clean_on_a_site_that_may_be_passive)
    report = ground.drill(tmp_path, "HD-924")
    assert report.run.interruption == "Plateforme non remise en état. Rôles inversés."
    assert report.run.closing
