"""A high-availability drill: what it will break, and what was seen of it.

    Scenario.drill (declared, by role) → PlannedDrill (on a platform, approved) → DrillRecord (what happened)

Times inside a record are seconds since the drill began, on the worker's monotonic clock.
Source: DOMAIN §2.4, §2.6.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from nonreg.model.vocabulary import SiteRole


class DrillStage(StrEnum):
    """When a drill comes in a campaign, gentlest first (DOMAIN §2.4)."""

    CHARGE = "charge"
    SECOURS = "secours"
    PLANIFIE = "planifie"
    RESEAU = "reseau"
    PERTE = "perte"
    BILAN = "bilan"


class WriteOutcome(StrEnum):
    """What a client knows of one write: acknowledged, refused, or neither."""

    ACK = "ACK"
    ERR = "ERR"
    UNKNOWN = "UNKNOWN"


class DrillEventKind(StrEnum):
    """What a moment of a drill is."""

    STEADY = "regime_etabli"
    FAULT = "panne"
    HEALED = "guerison"
    ALARM = "alarme"
    ROLE = "role"
    OPERATOR = "operateur"
    TOOL = "outil"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class DrillFault:
    """A fault as a scenario declares it; `role` says which site, None when it is not one site's.

    `kind` is a registered fault (nonreg.faults); `parameters` are its own. A service `*` stands for each service
    of the site's host, one fault each. It lasts at most `max_seconds`.
    """

    kind: str
    role: SiteRole | None = None
    parameters: tuple[tuple[str, str], ...] = ()
    max_seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class Drill:
    """What a disruptive scenario declares: its place in the campaign, its faults, what a person will be asked."""

    stage: DrillStage
    faults: tuple[DrillFault, ...] = ()
    operator_steps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PlannedFault:
    """A fault on one platform, as approved; texts are French and exact (the commands themselves).

    `dead_man` says what heals it when nobody is left to do it, empty when nothing does; `by_hand` is True when
    only a person can heal it.
    """

    id: str
    kind: str
    site: str
    parameters: tuple[tuple[str, str], ...]
    max_seconds: float
    hosts: tuple[str, ...]
    action: str
    healing: str
    dead_man: str = ""
    by_hand: bool = False

    def parameter(self, name: str) -> str:
        """A parameter's value; KeyError when it has none of that name."""
        return dict(self.parameters)[name]


@dataclass(frozen=True, slots=True)
class PlannedDrill:
    """One drill on one platform; `code_sha256` is of the files that it and its faults are written in."""

    scenario_id: str
    title: str
    stage: DrillStage
    faults: tuple[PlannedFault, ...]
    operator_steps: tuple[str, ...]
    code_sha256: str


@dataclass(frozen=True, slots=True)
class Approval:
    """Who approved the drills of a run: the decision's id, the person, its expiry, the hash of the text shown."""

    decision: str
    person: str
    decided_at: datetime
    expires_at: datetime
    content_sha256: str


@dataclass(frozen=True, slots=True)
class DrillEvent:
    """One moment of a drill; `subject` is the fault's id, the alarm's label, the site, the step."""

    at_seconds: float
    kind: DrillEventKind
    subject: str
    text: str


@dataclass(frozen=True, slots=True)
class Interruption:
    """From the last answer before to the first one after, as one client saw it.

    `attempts` are those that failed in between. `open_ended`: there was no answer after; `to_seconds` is then
    the end of the last attempt, and the interruption lasted longer.
    """

    from_seconds: float
    to_seconds: float
    attempts: int
    open_ended: bool = False

    @property
    def seconds(self) -> float:
        """How long the client had no answer."""
        return self.to_seconds - self.from_seconds


@dataclass(frozen=True, slots=True)
class ClientSummary:
    """What one client saw; interruptions are those longer than the resolution, longest first.

    `period_seconds` is how often it tried; `cost_seconds` the median time of one of its attempts at rest.
    """

    client: str
    title: str
    writes: bool
    attempts: int
    acknowledged: int
    errors: int
    unknown: int
    period_seconds: float
    cost_seconds: float
    interruptions: tuple[Interruption, ...] = ()


@dataclass(frozen=True, slots=True)
class Accounting:
    """Writes accounted for, each by its name `client:sequence`.

    lost = acknowledged and absent; phantom = present and refused, or never sent; duplicates = present more than
    once; the unknown ones are told apart by what became of them. `problems` say in French why the history
    itself cannot be believed. RPO: lost writes, and the seconds from the oldest lost one to the fault.
    """

    acknowledged: int
    present: int
    lost: tuple[str, ...] = ()
    phantom: tuple[str, ...] = ()
    duplicates: tuple[str, ...] = ()
    unknown_present: tuple[str, ...] = ()
    unknown_absent: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    rpo_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class RecoveryTime:
    """The service interruption of the writers, and its parts, in seconds; None where the drill has no such part.

    detection: fault → first alarm; operator: alarm (or order) → tool started; switchover: tool started → new
    active site declared; reconnection: declared → first acknowledged write. `total` = last acknowledged write before →
    first acknowledged write after.
    """

    total_seconds: float | None = None
    detection_seconds: float | None = None
    operator_seconds: float | None = None
    switchover_seconds: float | None = None
    reconnection_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class AlarmSeen:
    """One technical alarm of a drill, as it reached the sink; times are None when it did not.

    `delay_seconds` counts from the fault that it tells of, None when it came for no fault; it was opened `openings`
    times, and is exact only when that is once.
    """

    label: str
    recipient: str
    expected: bool
    opened_seconds: float | None
    closed_seconds: float | None
    delay_seconds: float | None = None
    openings: int = 1


@dataclass(frozen=True, slots=True)
class Healing:
    """One fault and its end; `error` is empty when the platform was found as before."""

    fault_id: str
    action: str
    injected_seconds: float | None
    healed_seconds: float | None
    error: str = ""


@dataclass(frozen=True, slots=True)
class DrillRecord:
    """Everything that a drill saw, as its report shows it; `left_as_found` lists what is not as before, in French."""

    scenario_id: str
    started_at: datetime
    duration_seconds: float
    events: tuple[DrillEvent, ...] = ()
    clients: tuple[ClientSummary, ...] = ()
    accounting: Accounting | None = None
    recovery: RecoveryTime | None = None
    alarms: tuple[AlarmSeen, ...] = ()
    healings: tuple[Healing, ...] = ()
    left_as_found: tuple[str, ...] = ()
    resolution_seconds: float = 0.0
