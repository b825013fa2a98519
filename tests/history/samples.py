"""Campaigns to keep in a history, and what a history answers of them."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from nonreg import store
from nonreg.history import HistoryStore
from nonreg.history_records import (
    digest_report,
)
from nonreg.model import (
    CampaignReport,
    Finding,
    Measure,
    Outcome,
    ScenarioResult,
)
from tests.report_samples import green_report

NIGHT = datetime(2026, 3, 1, 0, 30, tzinfo=UTC)
LATER = datetime(2100, 1, 1, tzinfo=UTC)
PLATFORM = "essai"
O, K, N = Outcome.OK, Outcome.KO, Outcome.NON_EXECUTE  # noqa: E741 - the letters of the history


def make_report(
    night: int,
    outcomes: dict[str, Outcome],
    platform: str = PLATFORM,
    seconds: float = 2.0,
    attempts: int = 1,
    catalog: str = "",
) -> CampaignReport:
    """A judged campaign of that night; each scenario takes its duration and one measure of half of it."""
    sample = green_report()
    started = NIGHT + timedelta(days=night)
    names = {f"{platform}-{night:04d}"}
    scenarios = tuple(replace(sample.run.plan.scenarios[0], id=name) for name in outcomes)
    results = tuple(
        ScenarioResult(
            name,
            outcome if attempt == attempts else Outcome.KO,
            started_at=None if outcome is N else started,
            duration_seconds=seconds * attempt,
            measures=(Measure("Réponse", seconds * attempt / 2, "s", 3.0),),
            attempt=attempt,
        )
        for attempt in range(1, attempts + 1)
        for name, outcome in outcomes.items()
    )
    known = {finding.scenario_id: finding for finding in sample.assessment.findings}
    first = next(iter(known.values()))
    plan = replace(
        sample.run.plan,
        run_id=names.pop(),
        platform=replace(sample.run.plan.platform, name=platform),
        created_at=started,
        scenarios=scenarios,
        catalog=catalog,
    )
    run = replace(
        sample.run,
        plan=plan,
        results=results,
        started_at=started,
        ended_at=started + timedelta(minutes=5),
    )
    findings = tuple(Finding(name, outcome, first.change, first.before) for name, outcome in outcomes.items())
    return replace(sample, run=run, assessment=replace(sample.assessment, findings=findings))


def run_id_of(report: CampaignReport) -> str:
    return report.run.plan.run_id


def append_all(history: HistoryStore, *reports: CampaignReport) -> None:
    """Append in one transaction: a disk takes its time for each."""
    with history.writing() as writer:
        for report in reports:
            writer.write(digest_report(report, run_id_of(report)))


def read_answers(history: HistoryStore, platform: str = PLATFORM) -> tuple[object, ...]:
    """Everything that the history can be asked about one platform."""
    loaded = history.load_history(platform, LATER, 1000)
    ids = [one.scenario_id for one in loaded.scenarios]
    return (
        history.list_platforms(),
        history.list_runs(platform, 1000),
        loaded,
        history.last_statuses(platform),
        history.list_unstable(platform),
        history.find_last_good(platform, ids, LATER),
        [history.list_results(platform, one, 1000) for one in ids],
    )


APPENDER = """
import sys
from nonreg.history import open_history
from tests.history.samples import make_report, O
url, first, count, scenarios = sys.argv[1], *map(int, sys.argv[2:])
outcomes = {f"BASE-{first}-{n}": O for n in range(scenarios)} | {"HD-001": O}
history = open_history(url)
for night in range(first, first + count):
    history.append(make_report(night, outcomes), f"passage-{night}")
    print(night, flush=True)
"""


def start_appender(url: str, first: int, count: int, scenarios: int = 50) -> subprocess.Popen[str]:
    """A process that appends campaigns and prints the number of each one that it was told is kept."""
    command = [sys.executable, "-c", APPENDER, url, *map(str, (first, count, scenarios))]
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parent.parent.parent,
    )


def count_results(history: HistoryStore) -> dict[str, tuple[int, int]]:
    """Results promised and results found, by run."""
    loaded = history.load_history(PLATFORM, LATER, 100_000)
    found = [0] * len(loaded.runs)
    for scenario in loaded.scenarios:
        for position, letter in enumerate(scenario.outcomes):
            found[position] += letter != "-"
    return {run.run_id: (run.planned, count) for run, count in zip(loaded.runs, found, strict=True)}


def save_run(runs_dir: Path, report: CampaignReport) -> Path:
    """A run's folder as publishing leaves it."""
    run_dir = runs_dir / run_id_of(report)
    store.save_plan(run_dir, report.run.plan)
    store.write_file(run_dir / "report.json", store.dump_json(CampaignReport, report))
    return run_dir


def sample_reports() -> list[CampaignReport]:
    return [
        make_report(0, {"BASE-001": O, "BASE-002": K}),
        make_report(1, {"BASE-001": K, "BASE-002": O}, attempts=3),
        make_report(2, {"BASE-001": O, "BASE-003": Outcome.MESURE}, seconds=0.125),
        make_report(3, {"BASE-001": O}, platform="autre"),
    ]


def refuse_to_judge(run_dir: Path) -> CampaignReport:
    raise AssertionError(run_dir)
