"""What only a person can do in a drill: instructed, done, confirmed by a signature; nobody's silence is a yes."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from nonreg.config import load_platform
from nonreg.drills.operator import list_open
from nonreg.drills.register import open_register
from nonreg.drills.steady import wait_steady
from nonreg.model import DrillEventKind, DrillRecord, Outcome, Scenario, Verdict
from nonreg.plan import SCENARIOS_DIR, collect_scenarios
from nonreg.sandbox.launch import start_instance, stop_instance
from nonreg.sandbox.layout import ACTIVE, PASSIVE, Layout
from tests.campaigns import run_campaign
from tests.drills.drilling import approve, drill
from tests.drills.operating import Person, at_work, write_platform

pytestmark = [pytest.mark.drills, pytest.mark.xdist_group("drills-by-hand")]
BY_OPERATOR = ('switchover = "commande"', 'switchover = "operateur"')
LINK_BY_HAND = '[drills.replace]\nlink_cut = "by_hand"\n'
PATIENCE_SECONDS = 20.0  # of the drill that is too hurried for a person
HURRIED = f"""
from nonreg.model import Criticality, Drill, DrillFault, DrillStage, Effect
from nonreg.probes.nodes import read_nodes
from nonreg.recorder import scenario

NODES = ("distributor", "drill_node", "publisher_agents", "subscriber_agents", "subscriptions")

@scenario("HD-001", "Rôles", Criticality.BLOQUANTE, queries=NODES)
def test_roles(witness, campaign):
    roles = [node.role for node in read_nodes(campaign.platform)]
    witness.expect_equal(roles, ["ACTIF", "PASSIF"], "rôles")

@scenario("HD-931", "Bascule par une personne, pressée", Criticality.MAJEURE, Effect.DISRUPTIVE,
          timeout_seconds=60, queries=NODES,
          drill=Drill(DrillStage.PLANIFIE, (DrillFault("switched_over", max_seconds={PATIENCE_SECONDS}),)))
def test_hurried(witness, campaign, drill):
    drill.inject("switched_over")
    witness.expect_equal(read_nodes(campaign.platform)[1].role, "ACTIF", "rôle du nouvel actif")
    drill.heal_all()
"""


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Layout]:
    """One platform; each test leaves it as found."""
    instance = start_instance(tmp_path_factory.mktemp("main") / "banc")
    yield instance.layout
    stop_instance(instance)


@pytest.fixture(scope="module")
def catalog() -> tuple[Scenario, ...]:
    return collect_scenarios(SCENARIOS_DIR)


@pytest.fixture(scope="module")
def hurried(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A folder with one drill that does not wait long for a person."""
    folder = tmp_path_factory.mktemp("presse")
    (folder / "test_presse.py").write_text(HURRIED, encoding="utf-8")
    return str(folder)


@pytest.fixture
def switcher(layout: Layout) -> Person:
    """Works the switchover tool."""
    return Person(layout, write_platform(layout, "operateur", BY_OPERATOR))


@pytest.fixture
def cutter(layout: Layout) -> Person:
    """Cuts the link between the sites."""
    return Person(layout, write_platform(layout, "a-la-main", more=LINK_BY_HAND))


def list_moments(record: DrillRecord, kind: DrillEventKind) -> list[float]:
    return [one.at_seconds for one in record.events if one.kind is kind]


def test_a_switchover_that_a_person_works_is_instructed_confirmed_and_timed_apart(
    layout: Layout, switcher: Person, tmp_path: Path, catalog: tuple[Scenario, ...]
) -> None:
    def work() -> None:
        for name, site in (("HD-021/1", PASSIVE), ("HD-021/1-fin", ACTIVE)):
            step = switcher.wait_step(name)
            assert site in step.instruction
            assert f"{step.id}  À faire par une personne avant" in switcher.nonreg("confirm").stdout
            switcher.switch_to(site)
            switcher.confirm(step)

    with at_work(work):
        report = drill(layout, tmp_path, "HD-021", platform_file=switcher.platform_file, catalog=catalog)
    (result,) = report.run.results
    assert result.outcome is Outcome.OK, result.gaps
    assert report.assessment.verdict in (Verdict.OK, Verdict.OK_AVEC_RESERVES)
    (record,) = report.run.drills
    said = [one.text for one in record.events if one.kind is DrillEventKind.OPERATOR]
    assert [text.partition(" ")[0] for text in said] == ["demandé", "confirmé", "demandé", "confirmé"]
    assert said[1] == said[3] == "confirmé par titulaire-essai"
    asked, confirmed, *_ = list_moments(record, DrillEventKind.OPERATOR)
    (tool,) = list_moments(record, DrillEventKind.TOOL)
    assert asked < tool < confirmed
    found = record.recovery
    assert found is not None
    assert found.total_seconds is not None
    assert found.switchover_seconds is not None
    assert found.total_seconds < confirmed - asked  # a person's time costs nobody anything while all goes on
    assert found.operator_seconds is not None
    assert found.operator_seconds <= 0.1
    parts = (found.operator_seconds, found.switchover_seconds, found.reconnection_seconds or 0.0)
    assert sum(parts) == pytest.approx(found.total_seconds, abs=0.1)


def test_a_copy_that_a_person_makes_is_measured_with_their_time_and_judged_against_no_limit(
    layout: Layout, switcher: Person, tmp_path: Path, catalog: tuple[Scenario, ...]
) -> None:
    def work() -> None:
        step = switcher.wait_step("HD-027/1")
        switcher.switch_to(PASSIVE, "reinitialise")
        switcher.confirm(step)

    with at_work(work):
        report = drill(layout, tmp_path, "HD-027", platform_file=switcher.platform_file, catalog=catalog)
    (result,) = report.run.results
    assert result.outcome is Outcome.MESURE, result.gaps
    (measure,) = [one for one in result.measures if one.name.startswith("réinitialisation")]
    assert (measure.name.rpartition(", ")[2], measure.limit) == ("temps de la personne compris", None)


def test_a_step_that_nobody_does_or_confirms_makes_no_drill_and_leaves_the_platform_sound(
    layout: Layout, switcher: Person, tmp_path: Path, hurried: str
) -> None:
    report = drill(layout, tmp_path, "HD-931", platform_file=switcher.platform_file, scenarios=hurried)
    (result,) = report.run.results
    assert result.outcome is Outcome.INCONCLUSIF
    assert re.search(r"L'étape E-\w+ n'a pas été confirmée en 20 s : basculer vers SITE-B", result.message)
    assert report.assessment.verdict is Verdict.INCOMPLET
    assert [one.outcome for one in report.run.closing] == [Outcome.OK]
    assert open_register(switcher.platform).pending() == ()
    assert list_open(switcher.platform) == ()


def test_a_way_back_that_nobody_works_stops_every_campaign_until_a_person_did_it(
    layout: Layout, switcher: Person, tmp_path: Path, hurried: str
) -> None:
    instruction = "Gestionnaire de bascule : basculez vers SITE-A (SITE-B est actif, SITE-A doit l'être)"
    asked: list[str] = []

    def work() -> None:
        step = switcher.wait_step("HD-931/1")
        switcher.switch_to(PASSIVE)
        switcher.confirm(step)
        asked.append(switcher.wait_step("HD-931/1-fin").id)

    with at_work(work):
        report = drill(layout, tmp_path, "HD-931", platform_file=switcher.platform_file, scenarios=hurried)
    (result,) = report.run.results
    assert result.outcome is Outcome.KO  # not as found
    assert instruction in result.message
    assert instruction in report.run.interruption
    assert [one.outcome for one in report.run.closing] == [Outcome.KO]
    assert report.assessment.verdict is Verdict.KO
    (record,) = report.run.drills
    steps = [one.subject for one in record.events if one.kind is DrillEventKind.OPERATOR]
    assert steps == ["HD-931/1", "HD-931/1", "HD-931/1-fin"]  # who did not answer is not asked again
    (entry,) = open_register(switcher.platform).pending()

    refused = run_campaign(switcher.platform_file, tmp_path / "refuse", "hd", "HD-001", hurried)
    assert refused.run.results == ()
    assert "À faire par une personne — HD-931, basculer vers SITE-B" in refused.run.interruption
    assert instruction in refused.run.interruption
    assert f"python -m nonreg heal --platform {switcher.platform_file}" in refused.run.interruption
    done = switcher.nonreg("heal")
    assert done.returncode == 2
    assert instruction in done.stdout
    assert f"Reste {entry.id}, HD-931." in done.stdout
    done = switcher.nonreg("heal", "--confirm", entry.id, "--key", switcher.key, "--yes")
    assert done.returncode == 2  # a signature moves no role
    assert "Toujours pas guéri — HD-931" in done.stdout

    switcher.switch_to(ACTIVE)
    done = switcher.nonreg("heal")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Guéri — HD-931" in done.stdout
    assert wait_steady(switcher.platform, 60.0) == ()
    after = run_campaign(switcher.platform_file, tmp_path / "suivant", "hd", "HD-001", hurried)
    assert [one.outcome for one in after.run.results] == [Outcome.OK]


def test_a_fault_that_a_person_makes_and_ends_is_instructed_twice_and_the_drill_goes_on(
    layout: Layout, cutter: Person, tmp_path: Path, catalog: tuple[Scenario, ...]
) -> None:
    def work() -> None:
        for name, cut in (("HD-025/1", True), ("HD-025/1-fin", False)):
            step = cutter.wait_step(name)
            assert "« link_cut (route 1) »" in step.instruction
            if cut:
                cutter.let_pass(cutter.platform.limits["replication_latency_seconds"])  # is not replication's
            cutter.set_route("1", cut)
            cutter.confirm(step)

    with at_work(work):
        report = drill(layout, tmp_path, "HD-025", platform_file=cutter.platform_file, catalog=catalog)
    (result,) = report.run.results
    assert result.outcome is Outcome.OK, result.gaps
    assert open_register(cutter.platform).pending() == ()
    (healing,) = report.run.drills[0].healings
    assert healing.error == ""
    assert [one.outcome for one in report.run.closing if one.outcome is Outcome.KO] == []


def test_alarms_of_a_fault_made_by_hand_are_not_late_because_the_person_took_their_time(
    layout: Layout, cutter: Person, tmp_path: Path, catalog: tuple[Scenario, ...]
) -> None:
    def work() -> None:
        step = cutter.wait_step("HD-025b/2")
        cutter.let_pass(10.0)  # more than any alarm may take
        cutter.set_route("1", True)
        cutter.set_route("2", True)
        cutter.let_pass(8.0)  # the alarm comes before the signature
        cutter.confirm(step)
        step = cutter.wait_step("HD-025b/2-fin")
        cutter.set_route("1", False)
        cutter.set_route("2", False)
        cutter.confirm(step)

    with at_work(work):
        report = drill(layout, tmp_path, "HD-025b", platform_file=cutter.platform_file, catalog=catalog)
    (result,) = report.run.results
    assert result.outcome is Outcome.OK, result.gaps


def test_a_campaign_killed_while_a_person_was_to_heal_stops_the_next_until_it_is_confirmed(
    layout: Layout, cutter: Person, tmp_path: Path, catalog: tuple[Scenario, ...]
) -> None:
    killed, file = tmp_path / "tue", cutter.platform_file
    signed = approve(layout, tmp_path / "decisions", "HD-025", platform_file=file, catalog=catalog)
    words = (str(file), str(killed), "HD-025", str(signed))
    with subprocess.Popen([sys.executable, "-m", "tests.drills.killing", *words]) as process:
        step = cutter.wait_step("HD-025/1")
        cutter.set_route("1", True)
        cutter.confirm(step)
        cutter.wait_step("HD-025/1-fin")
        process.send_signal(signal.SIGKILL)

    refused = run_campaign(file, tmp_path / "refuse", "hd", "HD-001", catalog=catalog)
    assert refused.run.results == ()
    assert "À faire par une personne — HD-025" in refused.run.interruption
    assert "une personne met fin à la panne « link_cut (route 1) »" in refused.run.interruption
    assert list_open(cutter.platform) == ()  # nobody waits for it there any more
    (entry,) = open_register(cutter.platform).pending()
    done = cutter.nonreg("heal")
    assert done.returncode == 2
    assert f"--confirm {entry.id} --key CLÉ" in done.stdout

    cutter.set_route("1", False)
    done = cutter.nonreg("heal", "--confirm", entry.id, "--key", cutter.key, "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert open_register(cutter.platform).pending() == ()
    assert wait_steady(load_platform(str(file)), 60.0) == ()
    after = run_campaign(file, tmp_path / "suivant", "hd", "HD-001", catalog=catalog)
    assert [one.outcome for one in after.run.results] == [Outcome.OK]
