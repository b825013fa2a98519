"""What is planned and what is recorded: everything between the platform and the judgement."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from nonreg.model.drill import Approval, Drill, DrillRecord, PlannedDrill
from nonreg.model.vocabulary import (
    Criticality,
    Effect,
    EffectLimit,
    Failure,
    Family,
    GuardStatus,
    Nature,
    Outcome,
)


@dataclass(frozen=True, slots=True)
class Scenario:
    """One check, known by its id; `node_id` is where pytest finds it today; a disruptive one is a drill.

    `queries` are the named queries that it may run, those of its fixtures included.
    """

    id: str
    title: str
    family: Family
    criticality: Criticality
    effect: Effect
    timeout_seconds: float
    requirement_ids: tuple[str, ...] = ()
    node_id: str = ""
    drill: Drill | None = None
    queries: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DeclaredQueries:
    """The named queries that one scenario may run; `writes` when some are the write account's."""

    scenario_id: str
    queries: tuple[str, ...]
    writes: bool


@dataclass(frozen=True, slots=True)
class Measure:
    """A figure taken during a scenario; `limit` is the agreed one, None when there is none."""

    name: str
    value: float
    unit: str
    limit: float | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """A file kept as proof; `path` is relative to the run's folder, `sha256` is of its bytes."""

    title: str
    path: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Gap:
    """What a failed check asked, expected and found; `rows` are the failing ones, as shown text."""

    request: str
    expected: str
    found: str
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    rows_total: int = 0


@dataclass(frozen=True, slots=True)
class ScenarioResult:
    """What was recorded of one scenario; `started_at` is None when it never started.

    A retried scenario has one result per attempt, counted from 1; none is forgotten.
    """

    scenario_id: str
    outcome: Outcome
    message: str = ""
    started_at: datetime | None = None
    duration_seconds: float = 0.0
    measures: tuple[Measure, ...] = ()
    gaps: tuple[Gap, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    attempt: int = 1
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class GuardResult:
    """Answer of one guard PRE-01…10 before anything is executed."""

    id: str
    title: str
    status: GuardStatus
    message: str


@dataclass(frozen=True, slots=True)
class PlatformIdentity:
    """The platform as the report names it: no address, account or secret."""

    name: str
    title: str
    nature: Nature
    application_version: str
    dataset: str
    sites: tuple[str, ...]
    baseline: str = ""
    identity_token: str = ""


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of the exact environment, e.g. the server version read on a site."""

    subject: str
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Limit:
    """An agreed limit of a platform, in the unit that its name carries."""

    name: str
    value: float


@dataclass(frozen=True, slots=True)
class CampaignPlan:
    """What will be executed, saved before it is; scenarios are in order of execution.

    `catalog` is the folder that the scenarios come from, empty for the shipped ones; `retries` how often a
    scenario that is not good is tried again at the end. `drills` are what will be broken, by approval only;
    `closing` are the checks done again after them, to prove that the platform is left as found;
    `drills_left_out` are the ids of the catalog's drills that are not in this plan; `declared` is of its whole
    catalog, planned or not. `effects` is the most that was allowed, `effects_left_out` the ids of the scenarios of
    this selection that do more.
    """

    run_id: str
    campaign_id: str
    platform: PlatformIdentity
    ticket: str
    operator: str
    created_at: datetime
    families: tuple[Family, ...]
    selection: str
    scenarios: tuple[Scenario, ...]
    tool_version: str
    tool_commit: str
    command: str
    limits: tuple[Limit, ...] = ()
    catalog: str = ""
    retries: int = 0
    drills: tuple[PlannedDrill, ...] = ()
    approval: Approval | None = None
    closing: tuple[Scenario, ...] = ()
    drills_left_out: tuple[str, ...] = ()
    declared: tuple[DeclaredQueries, ...] = ()
    effects: EffectLimit = EffectLimit.DONNEES_MARQUEES
    effects_left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CampaignRun:
    """Everything recorded between plan and judgement; `pytest_exit` is None if pytest never ended.

    `closing` are the results of the plan's closing checks; `healed` says in French what this run restored
    outside its drills: what an earlier run had broken, or a drill of its own that was cut.
    """

    plan: CampaignPlan
    guards: tuple[GuardResult, ...]
    facts: tuple[Fact, ...]
    results: tuple[ScenarioResult, ...]
    started_at: datetime
    ended_at: datetime | None
    pytest_exit: int | None
    interruption: str = ""
    closing: tuple[ScenarioResult, ...] = ()
    drills: tuple[DrillRecord, ...] = ()
    healed: tuple[str, ...] = ()
