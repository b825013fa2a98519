"""What a run is judged against: the promoted baseline, the waivers, the campaigns before it.

A `Basis` is saved in the run's folder before the judgement, so that the same verdict can be found again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from nonreg.model.run import Fact, Limit
from nonreg.model.vocabulary import Criticality, Outcome, Role, Verdict


@dataclass(frozen=True, slots=True)
class Waiver:
    """A KO accepted for a time (dérogation); `decision` is the id of the signed decision that grants it.

    `owner` is a person id; `reference` names the minutes (RD, COPIL) where there are some.
    """

    scenario_id: str
    reason: str
    ticket: str
    owner: str
    decision: str
    expires_at: datetime
    reference: str = ""

    def is_in_force(self, at: datetime) -> bool:
        """False from the very instant of expiry on."""
        return at < self.expires_at


@dataclass(frozen=True, slots=True)
class BaselineMeasure:
    """A figure of the promoted run; `samples` are its values in the good campaigns up to it, oldest first."""

    name: str
    value: float
    unit: str
    limit: float | None = None
    samples: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class BaselineResult:
    """One scenario as it was in the promoted run."""

    scenario_id: str
    title: str
    criticality: Criticality
    outcome: Outcome
    duration_seconds: float
    measures: tuple[BaselineMeasure, ...] = ()


@dataclass(frozen=True, slots=True)
class Baseline:
    """A promoted run: the reference of one platform and application version, by a named decision.

    `number` counts a platform's baselines from 1; `reserves` are those of its verdict; `files` are the
    reference files of the run, by name and SHA-256; `previous` is the `sha256` of the baseline before;
    `sha256` is of the signed content.
    """

    number: int
    platform: str
    application_version: str
    run_id: str
    run_started_at: datetime
    verdict: Verdict
    dataset: str
    catalog: str
    files: tuple[tuple[str, str], ...]
    limits: tuple[Limit, ...]
    results: tuple[BaselineResult, ...]
    facts: tuple[Fact, ...]
    previous: str = ""
    reserves: tuple[str, ...] = ()
    decision: str = ""
    person: str = ""
    role: Role = Role.TITULAIRE
    ticket: str = ""
    reason: str = ""
    promoted_at: datetime | None = None
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class PastRun:
    """One campaign of the history."""

    run_id: str
    application_version: str
    started_at: datetime
    duration_seconds: float | None
    verdict: Verdict
    ticket: str
    planned: int
    passed: int
    failed: int


@dataclass(frozen=True, slots=True)
class ScenarioHistory:
    """One scenario over `History.runs`, same order: outcome letters (`-` where it was not planned), seconds."""

    scenario_id: str
    outcomes: str
    durations: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class MeasureHistory:
    """One measure over `History.runs`, same order; None where it was not taken or its scenario was not good."""

    scenario_id: str
    name: str
    unit: str
    values: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class History:
    """The campaigns of the platform before this one, oldest first; this one is not among them."""

    runs: tuple[PastRun, ...] = ()
    scenarios: tuple[ScenarioHistory, ...] = ()
    measures: tuple[MeasureHistory, ...] = ()


@dataclass(frozen=True, slots=True)
class LastGood:
    """The last campaign in which a scenario was good, with the environment read then."""

    run_id: str
    started_at: datetime
    application_version: str
    dataset: str
    tool_commit: str
    facts: tuple[Fact, ...]
    scenario_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Basis:
    """Everything a run is compared with.

    `times` are the measures of the first campaigns after the promotion, oldest first, which complete the
    samples of the baseline; `files` are the reference files in force now, by name and SHA-256; `warnings` say
    in French what could not be read.
    """

    baseline: Baseline | None = None
    waivers: tuple[Waiver, ...] = ()
    history: History = History()
    last_good: tuple[LastGood, ...] = ()
    files: tuple[tuple[str, str], ...] = ()
    warnings: tuple[str, ...] = ()
    times: tuple[MeasureHistory, ...] = ()
