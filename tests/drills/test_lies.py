"""A platform that lies is caught, each lie by the drill that is there for it; a sound one passes the same drills."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from nonreg.model import CampaignReport, Criticality, Outcome, Scenario, Verdict
from nonreg.plan import SCENARIOS_DIR, collect_scenarios
from nonreg.sandbox.launch import Instance
from nonreg.witness import KEPT_ROWS
from tests.drills.drilling import drill, find_gaps, list_rows

pytestmark = pytest.mark.drills
SWITCHOVER, FALLBACK, RETURN, CHAIN = "HD-021", "HD-016", "HD-026", "HD-030"
LOST, DOUBLED = "aucune écriture acquittée perdue", "aucune écriture en double"
Start = Callable[..., Instance]


@pytest.fixture(scope="module")
def catalog() -> tuple[Scenario, ...]:
    return collect_scenarios(SCENARIOS_DIR)


@pytest.fixture
def try_drills(
    start_sandbox: Start, tmp_path: Path, catalog: tuple[Scenario, ...]
) -> Callable[..., CampaignReport]:
    """A campaign of these drills on a platform of its own, with a defect if one is named."""

    def run(select: str, defect: str | None = None) -> CampaignReport:
        return drill(start_sandbox(defect=defect).layout, tmp_path, select, catalog=catalog)

    return run


def outcomes(report: CampaignReport) -> dict[str, Outcome]:
    return {one.scenario_id: one.outcome for one in report.run.results}


def test_a_sound_platform_passes_the_drills_that_catch_the_lies(
    try_drills: Callable[..., CampaignReport],
) -> None:
    drills = (FALLBACK, SWITCHOVER, RETURN, CHAIN)
    report = try_drills(",".join(drills))
    assert report.run.interruption == ""
    assert outcomes(report) == dict.fromkeys(drills, Outcome.OK), [one.gaps for one in report.run.results]
    assert {one.outcome for one in report.run.closing} <= {Outcome.OK, Outcome.MESURE}
    assert [one.left_as_found for one in report.run.drills] == [()] * len(drills)
    (switchover,) = [one for one in report.run.drills if one.scenario_id == SWITCHOVER]
    assert switchover.accounting is not None
    assert switchover.accounting.acknowledged >= 4000  # or a loss of one in a thousand could be missed


def test_frames_acknowledged_before_they_are_stored_are_found_lost_by_the_planned_switchover(
    try_drills: Callable[..., CampaignReport],
) -> None:
    report = try_drills(SWITCHOVER, "early-acknowledgement")
    assert outcomes(report) == {SWITCHOVER: Outcome.KO}
    lost = list_rows(report, SWITCHOVER, LOST)
    assert lost
    assert {name.partition(":")[0] for name in lost} <= {f"station-{number}" for number in range(1, 5)}
    accounting = report.run.drills[0].accounting
    assert accounting is not None
    assert lost == list(accounting.lost[:KEPT_ROWS])
    assert list_rows(report, SWITCHOVER, DOUBLED) == []


def test_replication_that_loses_one_row_in_a_thousand_is_found_by_the_planned_switchover(
    try_drills: Callable[..., CampaignReport],
) -> None:
    report = try_drills(SWITCHOVER, "lossy-switchover")
    assert outcomes(report) == {SWITCHOVER: Outcome.KO}
    lost = list_rows(report, SWITCHOVER, LOST)
    assert {"direct-1:1000000007", "direct-2:2000000007"} <= set(lost)
    assert any(name.startswith("station-") for name in lost)  # of whose rows only the thousandth is lost
    assert len(lost) < 20


def test_replication_that_plays_a_row_again_is_found_by_the_planned_switchover(
    try_drills: Callable[..., CampaignReport],
) -> None:
    report = try_drills(SWITCHOVER, "replaying-switchover")
    assert outcomes(report) == {SWITCHOVER: Outcome.KO}
    doubled = list_rows(report, SWITCHOVER, DOUBLED)
    assert doubled
    assert all(name.startswith("station-") for name in doubled)
    assert list_rows(report, SWITCHOVER, LOST) == []


def test_an_old_active_site_that_comes_back_active_is_caught_and_blocks(
    try_drills: Callable[..., CampaignReport],
) -> None:
    report = try_drills(RETURN, "unfenced-return")
    assert outcomes(report) == {RETURN: Outcome.KO}
    (gap,) = [one for one in find_gaps(report, RETURN) if one.expected == "jamais ACTIF"]
    assert gap.request.startswith("rôle que SITE-A se donne")
    assert {row[1] for row in gap.rows} == {"ACTIF"}
    (planned,) = report.run.plan.scenarios
    assert planned.criticality is Criticality.BLOQUANTE
    assert report.assessment.verdict is Verdict.KO


def test_alarms_that_are_not_sent_are_missed_by_the_drill_and_by_the_review_of_all(
    try_drills: Callable[..., CampaignReport],
) -> None:
    report = try_drills(f"{FALLBACK},{CHAIN}", "silent-supervision")
    assert outcomes(report) == {FALLBACK: Outcome.KO, CHAIN: Outcome.KO}
    label = "Service frontal arrêté sur SITE-A"
    assert list_rows(report, FALLBACK, "chaque alarme attendue") == [label]
    assert list_rows(report, CHAIN, "chaque alarme attendue est arrivée au puits") == [f"{FALLBACK} {label}"]
