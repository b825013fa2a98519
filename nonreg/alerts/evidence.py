"""What the runs' folder tells: which campaigns a deployment started, and what became of them.

`trigger.json` of a run says who started it; a campaign of a terminal, which somebody watches, has none.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from nonreg import store
from nonreg.alerts.facts import Fact, tell_verdict
from nonreg.alerts.nights import RunSeen
from nonreg.basis import PUBLISHED
from nonreg.links import read_reports_url
from nonreg.model import CampaignReport

TRIGGER, REPORT = "trigger.json", "report.json"
VERDICTS_FOR = timedelta(days=2)  # longer ago, whoever was to know has seen the report


@dataclass(frozen=True, slots=True)
class Trigger:
    """Which deployment started a run, the name of its flow run, and the platform."""

    deployment: str
    flow_run: str
    platform: str
    at: datetime


def save_trigger(run_dir: Path, trigger: Trigger) -> None:
    """Keep it with the run."""
    store.write_file(run_dir / TRIGGER, store.dump_json(Trigger, trigger))


def read_trigger(run_dir: Path) -> Trigger | None:
    """Who started the run; None when no deployment did."""
    file = run_dir / TRIGGER
    return store.load_json(Trigger, file) if file.is_file() else None


def list_runs(runs_dir: Path, since: datetime) -> tuple[RunSeen, ...]:
    """The campaigns that deployments started since then, oldest first."""
    found = []
    for file in runs_dir.glob(f"*/{TRIGGER}"):
        trigger = store.load_json(Trigger, file)
        if trigger.at >= since:
            found.append(
                RunSeen(
                    file.parent.name,
                    trigger.platform,
                    trigger.deployment,
                    trigger.flow_run,
                    trigger.at,
                    (file.parent / PUBLISHED).is_file(),
                    store.is_running(file.parent),
                )
            )
    return tuple(sorted(found, key=lambda run: (run.started_at, run.run_id)))


def find_bad_verdicts(
    runs_dir: Path, runs: tuple[RunSeen, ...], deployments: tuple[str, ...], now: datetime
) -> tuple[Fact, ...]:
    """The alerts of published campaigns of these deployments: whoever published may not have lived to tell."""
    reports_url = read_reports_url("")
    facts = (
        tell_verdict(
            store.load_json(CampaignReport, runs_dir / run.run_id / REPORT),
            run.flow_run,
            runs_dir / run.run_id,
            run.deployment,
            reports_url,
        )
        for run in runs
        if run.published and run.deployment in deployments and now - run.started_at < VERDICTS_FOR
    )
    return tuple(fact for fact in facts if fact is not None)
