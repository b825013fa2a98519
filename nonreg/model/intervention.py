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


@dataclass(frozen=True, slots=True)
class Intervention:
    """What is going to be done, as asked; `replication_reason` says why it does or does not touch replication."""

    ticket: str
    kind: InterventionKind
    sensitive: bool
    touches_replication: bool
    replication_reason: str

    @property
    def families(self) -> tuple[Family, ...]:
        """The families that must have been judged: HD when replication is touched."""
        base = (Family.BASE, Family.APPLICATIF)
        return (*base, Family.HD) if self.touches_replication else base


@dataclass(frozen=True, slots=True)
class InterventionDecision:
    """The answer, on what it rests, and until when it holds.

    `report_sha256` is of the run's report.json; empty fields about the run mean that there was none.
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
