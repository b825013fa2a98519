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
from nonreg.errors import ConfigError
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


def list_runs(runs_dir: Path, since: datetime, problems: list[str]) -> tuple[RunSeen, ...]:
    """The campaigns that deployments started since then, oldest first; a sentence for each that cannot be read."""
    found = []
    for file in runs_dir.glob(f"*/{TRIGGER}"):
        try:
            trigger = store.load_json(Trigger, file)
        except ConfigError as error:
            problems.append(str(error))
            continue
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


def find_bad_verdict(
    runs_dir: Path, run: RunSeen, deployments: tuple[str, ...], now: datetime
) -> Fact | None:
    """The alert of a published campaign of these deployments: whoever published may not have lived to tell."""
    if not run.published or run.deployment not in deployments or now - run.started_at >= VERDICTS_FOR:
        return None
    folder = runs_dir / run.run_id
    report = store.load_json(CampaignReport, folder / REPORT)
    return tell_verdict(report, run.flow_run, folder, run.deployment, read_reports_url(""))
