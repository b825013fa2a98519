"""Triage of five defects at once, and of one alone (`make test-defects`); see tests/test_damaged_platform.py too."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nonreg import environment as env
from nonreg.config import load_platform
from nonreg.model import CampaignRun, Cause, Fact, Triage
from nonreg.probes.facts import read_facts
from nonreg.sandbox.defects import apply_defect
from nonreg.sandbox.launch import Instance, start_instance, stop_instance
from nonreg.sandbox.layout import Layout
from nonreg.triage import render_triage_markdown
from tests.campaigns import run_campaign
from tests.test_campaign import WHOLE_FAMILIES
from tests.triaged import triage_run

pytestmark = [
    pytest.mark.skipif(not WHOLE_FAMILIES, reason="make test-defects"),
    pytest.mark.xdist_group("defects"),
]
APPLICATION_DEFECTS = {
    "changed-procedure": ("BASE-013", "SITE-A", env.MODULES),
    "disabled-trigger": ("BASE-005", "SITE-A", env.SCHEMA + "déclencheurs"),
    "changed-configuration": ("APP-028", "SITE-A", env.CONFIGURATION + "affinage.json"),
    "wrong-version": ("APP-003", "SITE-A", env.SERVICE_VERSION + "client"),
    "dead-service": ("APP-001", "SITE-A", env.STOPPED_SERVICES),
}


@pytest.fixture(scope="module")
def good_facts(sandbox: Layout) -> tuple[Fact, ...]:
    """What a sound platform says of itself: a damaged one of the same kind is compared with it."""
    return read_facts(load_platform(str(sandbox.platform_file)))


@pytest.fixture(scope="module")
def damaged(
    tmp_path_factory: pytest.TempPathFactory, good_facts: tuple[Fact, ...]
) -> Iterator[tuple[Layout, Path, CampaignRun, dict[str, Triage]]]:
    """One platform with five defects of the application, and the triage of what they broke."""
    folder = tmp_path_factory.mktemp("defauts")
    instance = start_instance(folder / "banc")
    try:
        for name in APPLICATION_DEFECTS:
            apply_defect(instance.layout, name)
        run_dir = folder / "passage"
        selected = ",".join(scenario_id for scenario_id, _, _ in APPLICATION_DEFECTS.values())
        run = run_campaign(instance.layout.platform_file, run_dir, "", selected).run
        yield instance.layout, run_dir, run, triage_run(run, run_dir, good_facts)
    finally:
        stop_instance(instance)


@pytest.mark.parametrize("defect", APPLICATION_DEFECTS)
def test_a_defect_of_the_application_is_called_so_and_its_difference_is_shown(
    damaged: tuple[Layout, Path, CampaignRun, dict[str, Triage]], defect: str
) -> None:
    _, _, run, triages = damaged
    scenario_id, subject, name = APPLICATION_DEFECTS[defect]
    found = triages[scenario_id]
    assert found.cause is Cause.APPLICATION, found.why
    assert (subject, name) in {(one.subject, one.name) for one in found.differences}
    assert name in render_triage_markdown(found, run)


def test_what_the_defects_did_not_touch_is_no_difference(
    damaged: tuple[Layout, Path, CampaignRun, dict[str, Triage]],
) -> None:
    touched = {name for _, _, name in APPLICATION_DEFECTS.values()}
    for found in damaged[3].values():
        assert {one.name for one in found.differences} == touched


def test_a_cut_replication_link_is_the_environment(
    start_sandbox: Callable[..., Instance], good_facts: tuple[Fact, ...], tmp_path: Path
) -> None:
    layout = start_sandbox(defect="cut-replication-link").layout
    run = run_campaign(layout.platform_file, tmp_path / "passage", "hd", "HD-003").run
    found = triage_run(run, tmp_path / "passage", good_facts)["HD-003"]
    assert found.cause is Cause.ENVIRONNEMENT, found.why
    assert {one.name for one in found.differences} == {env.AGENTS, env.STOPPED_SERVICES}
    assert any("could not connect to the publisher" in line for one in found.logs for line in one.lines)
