"""Triage on a really damaged platform: known defects get the right cause, and the change that made them is shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from nonreg import environment as env
from nonreg.config import load_platform
from nonreg.model import Basis, CampaignRun, Cause, Fact, Failure, LastGood, Triage
from nonreg.probes.facts import read_facts
from nonreg.sandbox.defects import apply_defect
from nonreg.sandbox.launch import Instance, start_instance, stop_instance
from nonreg.sandbox.layout import Layout
from nonreg.triage import build_triage, read_captured, render_triage_markdown
from tests.campaigns import run_campaign
from tests.test_campaign import find_secrets
from tests.test_triage import judge

BROKEN_CHECK = (
    "from nonreg.model import Criticality\n"
    "from nonreg.recorder import scenario\n"
    "@scenario('BASE-900', 'Contrôle cassé', Criticality.MAJEURE)\n"
    "def test_broken(witness): witness.nothing_of_that_name()\n"
)


@pytest.fixture(scope="module")
def good_facts(sandbox: Layout) -> tuple[Fact, ...]:
    """What a sound platform says of itself: a damaged one of the same kind is compared with it."""
    return read_facts(load_platform(str(sandbox.platform_file)))


def triage_run(run: CampaignRun, run_dir: Path, facts: tuple[Fact, ...]) -> dict[str, Triage]:
    """The triage of every failure of a run, after a good run with these facts."""
    ids = tuple(scenario.id for scenario in run.plan.scenarios)
    plan = run.plan
    good = LastGood(
        "bon",
        datetime(2026, 11, 1, tzinfo=UTC),
        plan.platform.application_version,
        plan.platform.dataset,
        plan.tool_commit,
        facts,
        ids,
    )
    found = build_triage(run, Basis(last_good=(good,)), judge(run), read_captured(run_dir))
    return {one.scenario_id: one for one in found}


APPLICATION_DEFECTS = {
    "changed-procedure": ("BASE-013", "SITE-A", env.MODULES),
    "disabled-trigger": ("BASE-005", "SITE-A", env.SCHEMA + "déclencheurs"),
    "changed-configuration": ("APP-028", "SITE-A", env.CONFIGURATION + "affinage.json"),
    "wrong-version": ("APP-003", "SITE-A", env.SERVICE_VERSION + "client"),
    "dead-service": ("APP-001", "SITE-A", env.STOPPED_SERVICES),
}


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


def test_the_changed_line_of_the_procedure_is_in_the_pack_and_no_secret_is(
    damaged: tuple[Layout, Path, CampaignRun, dict[str, Triage]],
) -> None:
    layout, run_dir, run, triages = damaged
    text = render_triage_markdown(triages["BASE-013"], run)
    assert "+++ SITE-A prod.tvf_cumul(" in text
    assert "AND h.chr_utc >= p_fin" in text
    (run_dir / "fiche.md").write_text(text, encoding="utf-8")
    assert find_secrets(run_dir, layout) == []


def test_a_cut_replication_link_is_the_environment(
    start_sandbox: Callable[..., Instance], good_facts: tuple[Fact, ...], tmp_path: Path
) -> None:
    layout = start_sandbox(defect="cut-replication-link").layout
    run = run_campaign(layout.platform_file, tmp_path / "passage", "hd", "HD-003").run
    found = triage_run(run, tmp_path / "passage", good_facts)["HD-003"]
    assert found.cause is Cause.ENVIRONNEMENT, found.why
    assert {one.name for one in found.differences} == {env.AGENTS, env.STOPPED_SERVICES}
    assert any("could not connect to the publisher" in line for one in found.logs for line in one.lines)


def test_a_broken_check_is_the_bench_and_the_platform_is_as_it_was(
    sandbox: Layout, good_facts: tuple[Fact, ...], tmp_path: Path
) -> None:
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "test_casse.py").write_text(BROKEN_CHECK, encoding="utf-8")
    run_dir = tmp_path / "passage"
    run = run_campaign(sandbox.platform_file, run_dir, scenarios=str(tmp_path / "scenarios")).run
    assert run.results[0].failure is Failure.CONTROLE
    found = triage_run(run, run_dir, good_facts)["BASE-900"]
    assert (found.cause, found.differences, found.diff) == (Cause.BANC_DE_TEST, (), "")
