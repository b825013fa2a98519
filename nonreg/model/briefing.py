"""What is handed over: tickets, campaigns, waivers, deadlines, runbooks, contacts, replication, and the notice.

Texts are French and concealed already; what is not known is empty or None, and shown as « n.d. ».
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from nonreg.model.contacts import Duty
from nonreg.model.vocabulary import Family, Outcome, Verdict


@dataclass(frozen=True, slots=True)
class TicketEvent:
    """One line of the ledger about a ticket."""

    at: datetime
    what: str
    person: str
    sequence: int


@dataclass(frozen=True, slots=True)
class TrackedTicket:
    """A ticket as the tracking platform knows it."""

    reference: str
    title: str
    state: str
    due: datetime | None = None


@dataclass(frozen=True, slots=True)
class TicketView:
    """A ticket: its last events, the latest first, out of `total`; `why` says what makes it worth being here."""

    reference: str
    events: tuple[TicketEvent, ...]
    total: int
    why: tuple[str, ...]
    tracked: TrackedTicket | None = None


@dataclass(frozen=True, slots=True)
class FamilyView:
    """The last campaign that tried a family; `tried` are those that
    applied, `regressed` were good before, `failing` are all that are not good."""

    family: Family
    run_id: str
    started_at: datetime
    verdict: Verdict
    tried: int
    passed: int
    failing: tuple[str, ...]
    regressed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WaiverView:
    """A waiver of the platform's file."""

    scenario_id: str
    expires_at: datetime
    ticket: str
    owner: str
    reason: str


@dataclass(frozen=True, slots=True)
class DueView:
    """Something due."""

    title: str
    at: datetime
    person: str
    ticket: str


@dataclass(frozen=True, slots=True)
class RunbookView:
    """A runbook: when it was last followed to its end, for good and in play, and whether it is that text yet.

    `unchanged` is None when it was never followed; `unknown` counts the facts that the site has not told.
    """

    id: str
    title: str
    version: str
    is_emergency: bool
    done_at: datetime | None
    played_at: datetime | None
    unchanged: bool | None
    unknown: int


@dataclass(frozen=True, slots=True)
class HdCheck:
    """One check of the HD family in a run, with its measures as text."""

    scenario_id: str
    title: str
    outcome: Outcome
    measures: str


@dataclass(frozen=True, slots=True)
class HdView:
    """The state of replication, as the last run of the HD family found it."""

    run_id: str
    started_at: datetime
    checks: tuple[HdCheck, ...]


@dataclass(frozen=True, slots=True)
class RunningView:
    """An execution under way; `step` is what is to be done now, by whom."""

    execution_id: str
    title: str
    subject: str
    ticket: str
    rehearsal: bool
    step: str
    role: str


@dataclass(frozen=True, slots=True)
class Fact:
    """A label and its value, empty where the site or the answers tell nothing."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Briefing:
    """Everything gathered at a moment; `missing` says in French what could not be read."""

    platform: str
    application_version: str
    at: datetime
    tickets: tuple[TicketView, ...] = ()
    families: tuple[FamilyView, ...] = ()
    waivers: tuple[WaiverView, ...] = ()
    deadlines: tuple[DueView, ...] = ()
    runbooks: tuple[RunbookView, ...] = ()
    running: tuple[RunningView, ...] = ()
    contacts: tuple[Fact, ...] = ()
    duties: tuple[Duty, ...] = ()
    hd: HdView | None = None
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HandoverPlan:
    """Who does what while the titulaire is away: what was answered, and the dates and the risks that come."""

    briefing: Briefing
    period: tuple[Fact, ...]
    roles: tuple[Fact, ...]
    framing: tuple[Fact, ...]
    schedule: tuple[Fact, ...]
    risks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Notice:
    """What the titulaire tells the SCV; it has no sender: there is only one (R01)."""

    title: str
    reason: str
    dates: tuple[Fact, ...]
    changes: tuple[str, ...]
    unchanged: tuple[str, ...]
    channel: str
