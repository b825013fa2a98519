"""The triage of a run on a platform, as if it had been sound the day before."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from nonreg.model import Basis, CampaignRun, Fact, LastGood, Triage
from nonreg.triage import build_triage, read_captured
from tests.test_triage import judge


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
