"""The data of a campaign: frozen values that flow one way, from plan to report.

    Platform → CampaignPlan → ScenarioResult… → Finding… → Verdict → CampaignReport

Times are aware UTC datetimes, durations seconds on a monotonic clock. Vocabulary: DOMAIN §2.5, §6.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Nature(StrEnum):
    """What a platform is for; campaigns only run on TEST."""

    TEST = "TEST"
    DEV = "DEV"
    PROD = "PROD"


class SiteRole(StrEnum):
    """Role of a site in the high-availability configuration."""

    ACTIF = "ACTIF"
    PASSIF = "PASSIF"
    SURVEILLANCE = "SURVEILLANCE"


class Family(StrEnum):
    """The three scenario families; the value is the prefix of scenario ids."""

    BASE = "BASE"
    APPLICATIF = "APP"
    HD = "HD"


class Criticality(StrEnum):
    """Severity words of the contract, worst first."""

    BLOQUANTE = "bloquante"
    MAJEURE = "majeure"
    MINEURE = "mineure"


class Effect(StrEnum):
    """What a scenario does to the platform."""

    READ_ONLY = "read_only"
    WRITES_TEST_DATA = "writes_test_data"
    DISRUPTIVE = "disruptive"
    MANUAL = "manual"


class Outcome(StrEnum):
    """Result of one scenario; a check that could not be made is INCONCLUSIF, never OK."""

    OK = "OK"
    KO = "KO"
    INCONCLUSIF = "INCONCLUSIF"
    NON_EXECUTE = "NON_EXECUTE"
    NON_APPLICABLE = "NON_APPLICABLE"
    MESURE = "MESURE"
    DEROGATION = "DEROGATION"


class Verdict(StrEnum):
    """Verdict of a campaign; see `severity` for the order."""

    OK = "OK"
    OK_AVEC_RESERVES = "OK_AVEC_RESERVES"
    INCOMPLET = "INCOMPLET"
    KO = "KO"

    @property
    def severity(self) -> int:
        """0 for OK … 3 for KO: the worst wins."""
        return list(Verdict).index(self)


class Change(StrEnum):
    """How a result compares with the baseline."""

    SAME = "SAME"
    REGRESSION = "REGRESSION"
    FIXED = "FIXED"
    KNOWN_FAILURE = "KNOWN_FAILURE"
    SLOWER = "SLOWER"
    UNSTABLE = "UNSTABLE"
    MISSING = "MISSING"
    NEW = "NEW"


class GuardStatus(StrEnum):
    """Answer of one guard; NOT_ASKED comes after another guard's refusal."""

    PASSED = "PASSED"
    REFUSED = "REFUSED"
    UNKNOWN = "UNKNOWN"
    NOT_ASKED = "NOT_ASKED"
    NOT_APPLICABLE = "NOT_APPLICABLE"

    @property
    def stops(self) -> bool:
        """True for the answers with which nothing may be executed."""
        return self not in (GuardStatus.PASSED, GuardStatus.NOT_APPLICABLE)


@dataclass(frozen=True, slots=True)
class Scenario:
    """One check, known by its id; `node_id` is where pytest finds it today."""

    id: str
    title: str
    family: Family
    criticality: Criticality
    effect: Effect
    timeout_seconds: float
    requirement_ids: tuple[str, ...] = ()
    node_id: str = ""


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
    """What was recorded of one scenario; `started_at` is None when it never started."""

    scenario_id: str
    outcome: Outcome
    message: str = ""
    started_at: datetime | None = None
    duration_seconds: float = 0.0
    measures: tuple[Measure, ...] = ()
    gaps: tuple[Gap, ...] = ()
    evidence: tuple[Evidence, ...] = ()


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


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of the exact environment, e.g. the server version read on a site."""

    subject: str
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class CampaignPlan:
    """What will be executed, saved before it is; scenarios are in order of execution."""

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


@dataclass(frozen=True, slots=True)
class CampaignRun:
    """Everything recorded between plan and judgement; `pytest_exit` is None if pytest never ended."""

    plan: CampaignPlan
    guards: tuple[GuardResult, ...]
    facts: tuple[Fact, ...]
    results: tuple[ScenarioResult, ...]
    started_at: datetime
    ended_at: datetime | None
    pytest_exit: int | None
    interruption: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """One scenario as judged: outcome after the run, and against the baseline."""

    scenario_id: str
    outcome: Outcome
    change: Change
    before: Outcome | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Assessment:
    """The judgement: verdict, its reasons in French, one finding per planned scenario in plan order."""

    verdict: Verdict
    reasons: tuple[str, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class NatureCount:
    """Tests of one nature (BASE, APPLICATIF, HD, unitaires et intégration du projet), by outcome."""

    nature: str
    planned: int
    passed: int
    failed: int
    other: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class CampaignReport:
    """Everything the rendered report says; HTML, PDF, JUnit and JSON are made from this value alone."""

    run: CampaignRun
    assessment: Assessment
    counts: tuple[NatureCount, ...]
    generated_at: datetime
    tickets: tuple[str, ...] = field(default=())
