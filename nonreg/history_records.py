"""What is kept of a campaign in the history, and what can be said of it without a database."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from nonreg.model import (
    CampaignReport,
    Change,
    History,
    Measure,
    MeasureHistory,
    Outcome,
    PastRun,
    ScenarioHistory,
    ScenarioResult,
    Verdict,
)

OUTCOMES = {outcome.letter: outcome for outcome in Outcome}
GOOD_LETTERS = frozenset(outcome.letter for outcome in Outcome if outcome.is_good)
PASSED_LETTERS = frozenset(outcome.letter for outcome in Outcome if outcome.is_passed)
# A campaign that could not judge a scenario, or in which it did not apply, says nothing of it.
JUDGED_LETTERS = PASSED_LETTERS | {Outcome.KO.letter, Outcome.DEROGATION.letter}
NOT_PLANNED, NOT_TRIED = "-", Outcome.NON_EXECUTE.letter
UNSTABLE_FLIPS = 3
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class ResultRecord:
    """One scenario of one campaign; seconds are of the last attempt, None when it never started."""

    scenario_id: str
    outcome: Outcome
    change: Change
    duration_seconds: float | None
    attempts: int
    cause: str
    fingerprint: str
    measures: tuple[Measure, ...]


@dataclass(frozen=True, slots=True)
class CampaignRecord:
    """All that the history keeps of one campaign; `folder` is relative to the folder of runs."""

    run_id: str
    platform: str
    folder: str
    application_version: str
    dataset: str
    ticket: str
    started_at: datetime
    ended_at: datetime | None
    verdict: Verdict
    planned: int
    passed: int
    failed: int
    tool_commit: str
    selection: str
    families: str
    catalog: str
    results: tuple[ResultRecord, ...]

    @property
    def executed(self) -> int:
        """Scenarios that were tried, whatever came of it: 0 when a guard refused the whole campaign."""
        return sum(one.outcome is not Outcome.NON_EXECUTE for one in self.results)

    @property
    def duration_seconds(self) -> float | None:
        """None for a campaign that never ended."""
        return None if self.ended_at is None else (self.ended_at - self.started_at).total_seconds()


@dataclass(frozen=True, slots=True)
class RunRef:
    """A campaign of the history and where its folder is, relative to the folder of runs."""

    run_id: str
    folder: str
    started_at: datetime
    application_version: str


@dataclass(frozen=True, slots=True)
class LastStatus:
    """The outcome of a scenario in the last campaign that planned it."""

    outcome: Outcome
    run_id: str
    started_at: datetime


@dataclass(frozen=True, slots=True)
class UnstableScenario:
    """Letters oldest first over the last campaigns that tried the scenario; `retried` counts campaigns."""

    scenario_id: str
    outcomes: str
    flips: int
    retried: int


@dataclass(frozen=True, slots=True)
class PastResult:
    """One scenario in one campaign of the history."""

    run: PastRun
    result: ResultRecord


def digest_report(report: CampaignReport, folder: str) -> CampaignRecord:
    """What is kept of a judged campaign; one record a finding, in plan order."""
    run, plan = report.run, report.run.plan
    attempts: dict[str, list[ScenarioResult]] = {}
    for result in run.results:
        attempts.setdefault(result.scenario_id, []).append(result)
    triage = {found.scenario_id: found for found in report.triage}
    results = []
    for finding in report.assessment.findings:
        tries = sorted(attempts.get(finding.scenario_id, ()), key=lambda one: one.attempt)
        last = tries[-1] if tries else None
        help_ = triage.get(finding.scenario_id)
        results.append(
            ResultRecord(
                scenario_id=finding.scenario_id,
                outcome=finding.outcome,
                change=finding.change,
                duration_seconds=last.duration_seconds if last and last.started_at else None,
                attempts=last.attempt if last else 0,
                cause=help_.cause.value if help_ else "",
                fingerprint=help_.fingerprint if help_ else "",
                measures=last.measures if last else (),
            )
        )
    outcomes = [result.outcome for result in results]
    return CampaignRecord(
        run_id=plan.run_id,
        platform=plan.platform.name,
        folder=folder,
        application_version=plan.platform.application_version,
        dataset=plan.platform.dataset,
        ticket=plan.ticket,
        started_at=run.started_at,
        ended_at=run.ended_at,
        verdict=report.assessment.verdict,
        planned=len(outcomes),
        passed=outcomes.count(Outcome.OK),
        failed=outcomes.count(Outcome.KO),
        tool_commit=plan.tool_commit,
        selection=plan.selection,
        families=",".join(family.name.lower() for family in plan.families),
        catalog=plan.catalog,
        results=tuple(results),
    )


def to_microseconds(at: datetime) -> int:
    """An aware datetime as whole microseconds since 1970: exact, and ordered alike in every database."""
    return (at - EPOCH) // timedelta(microseconds=1)


def from_microseconds(count: int) -> datetime:
    """The UTC datetime of `to_microseconds`."""
    return EPOCH + timedelta(microseconds=count)


def count_flips(letters: str) -> int:
    """Changes between passed and failed, oldest first, over the campaigns that judged the scenario."""
    passed = [letter in PASSED_LETTERS for letter in letters if letter in JUDGED_LETTERS]
    return sum(before != after for before, after in itertools.pairwise(passed))


def is_always_good(letters: str) -> bool:
    """True when every campaign that planned the scenario found it good."""
    return all(letter in GOOD_LETTERS for letter in letters if letter != NOT_PLANNED)


def assemble_history(
    runs: tuple[PastRun, ...],
    results: Iterable[tuple[str, int, str, float | None]],
    measures: Iterable[tuple[str, str, str, int, float | None]],
) -> History:
    """Rows to columns. `results` are (scenario id, position in runs, letter, seconds), `measures`
    (scenario id, name, unit, position, value), in any order; scenarios come out sorted."""
    empty: list[float | None] = [None] * len(runs)
    letters: dict[str, list[str]] = {}
    seconds: dict[str, list[float | None]] = {}
    for scenario_id, position, letter, duration in results:
        if scenario_id not in letters:
            letters[scenario_id] = [NOT_PLANNED] * len(runs)
            seconds[scenario_id] = empty.copy()
        letters[scenario_id][position] = letter
        seconds[scenario_id][position] = duration
    values: dict[tuple[str, str, str], list[float | None]] = {}
    for scenario_id, name, unit, position, value in measures:
        if value is not None and letters[scenario_id][position] in PASSED_LETTERS:
            values.setdefault((scenario_id, name, unit), empty.copy())[position] = value
    return History(
        runs,
        tuple(ScenarioHistory(one, "".join(letters[one]), tuple(seconds[one])) for one in sorted(letters)),
        tuple(MeasureHistory(*key, tuple(values[key])) for key in sorted(values)),
    )
