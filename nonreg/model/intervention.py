"""The question asked before an intervention, and the answer GO / GO avec réserves / NO-GO."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from nonreg.model.vocabulary import Family, Verdict


class InterventionKind(StrEnum):
    """What will be done to the application; the first two always touch replication."""

    BASCULE = "bascule"
    REPLICATION = "replication"
    DEPLOIEMENT = "deploiement"
    SCRIPT_SQL = "script_sql"
    PARAMETRAGE = "parametrage"
    SYSTEME = "systeme"
    AUTRE = "autre"

    @property
    def always_touches_replication(self) -> bool:
        """True for a switchover and for any work on replication itself."""
        return self in (InterventionKind.BASCULE, InterventionKind.REPLICATION)


class Answer(StrEnum):
    """What the tool answers, best first."""

    GO = "GO"
    GO_AVEC_RESERVES = "GO_AVEC_RESERVES"
    NO_GO = "NO_GO"


class Acceptance(StrEnum):
    """What became of the reserves that somebody was asked to accept; no answer is never a yes."""

    ACCEPTED = "acceptees"
    REFUSED = "refusees"
    UNANSWERED = "sans_reponse"


@dataclass(frozen=True, slots=True)
class Intervention:
    """What is going to be done, as asked; `replication_reason` says why it does or does not touch replication.

    `remote` is for work done over the network, which has its working hours (R59); without `planned_at` it
    begins at once.
    """

    ticket: str
    kind: InterventionKind
    sensitive: bool
    touches_replication: bool
    replication_reason: str
    remote: bool = True
    planned_at: datetime | None = None

    @property
    def families(self) -> tuple[Family, ...]:
        """The families that must have been judged: HD when replication is touched."""
        base = (Family.BASE, Family.APPLICATIF)
        return (*base, Family.HD) if self.touches_replication else base


@dataclass(frozen=True, slots=True)
class InterventionDecision:
    """The answer, on what it rests, and until when it holds.

    `report_sha256` is of the run's report.json; empty fields about the run mean that there was none. `outside_hours`
    says in French why nobody works when it is to begin. With `acceptance_required`, nothing begins before
    somebody has accepted the reserves.
    """

    id: str
    platform: str
    application_version: str
    intervention: Intervention
    answer: Answer
    reasons: tuple[str, ...]
    decided_at: datetime
    expires_at: datetime
    person: str = ""
    run_id: str = ""
    run_started_at: datetime | None = None
    verdict: Verdict | None = None
    report_sha256: str = ""
    baseline: int | None = None
    max_age_hours: float = 0.0
    identity_token: str = ""
    outside_hours: str = ""
    acceptance_required: bool = False


@dataclass(frozen=True, slots=True)
class ReservesAnswer:
    """What somebody answered about the reserves of a decision, bound to it by the hash of its file.

    `person` is an id that was declared in a form: nothing proves it. Empty when nobody answered in time.
    """

    decision: str
    decision_sha256: str
    acceptance: Acceptance
    answered_at: datetime
    person: str = ""
    comment: str = ""
