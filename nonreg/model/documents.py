"""Documents of the contract as a person writes them: A.1, A.2, A.3, A.9, A.11; what is judged of them.

A draft is a TOML file (nonreg.documents.draft_file). A text that is empty is still to be filled in, « n.d. » says that
nobody knows. Vocabulary and structure: DOMAIN §4.2, §4.4.
"""

# ruff: noqa: RUF009 - `told` makes a field, nothing that is shared

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any, ClassVar, Literal, TypeAlias

from nonreg.model.tracker import TicketState
from nonreg.model.vocabulary import Verdict

STRICT = {"extra": "forbid"}
Unknown: TypeAlias = Literal["", "n.d."]
Moment: TypeAlias = datetime | Unknown
Day: TypeAlias = date | Unknown


class DocumentKind(StrEnum):
    """Which document of the bid's Annexe A."""

    DELIVERY = "A.1"
    TEST_REPORT = "A.2"
    URGENT = "A.3"
    MINUTES = "A.9"
    CORRECTIONS = "A.11"


def told(label: str, default: Any = "", *, hint: str = "", optional: bool = False) -> Any:
    """A field with the French words that stand for it, and how it is written; one not `optional` is to be filled in."""
    return field(default=default, metadata={"label": label, "hint": hint, "optional": optional})


@dataclass(frozen=True, slots=True)
class Head:
    """What every document has."""

    __pydantic_config__: ClassVar[Any] = STRICT
    id: str = told("Identifiant", hint="ne pas changer")
    kind: DocumentKind = told("Genre", DocumentKind.MINUTES, hint="ne pas changer")
    platform: str = told("Plateforme", hint="ne pas changer")
    ticket: str = told("Ticket")


@dataclass(frozen=True, slots=True)
class Content:
    """One change that is delivered."""

    __pydantic_config__: ClassVar[Any] = STRICT
    ticket: str = told("Ticket")
    kind: str = told("Type", hint="évolution, correction, script…")
    description: str = told("Description")
    components: str = told("Composants")


@dataclass(frozen=True, slots=True)
class DeliveryTests:
    """On what tests a delivery rests."""

    __pydantic_config__: ClassVar[Any] = STRICT
    run: str = told("Passage de non-régression de la version livrée", hint="rapport A.2")
    high_availability: str = told("Points HD")
    acceptance: str = told("VA et VSR")


@dataclass(frozen=True, slots=True)
class GoNoGo:
    """Who lets the delivery be deployed, or not."""

    __pydantic_config__: ClassVar[Any] = STRICT
    answer: Literal["", "n.d.", "go", "go avec réserves", "no-go"] = told("Go / No-Go", optional=True)
    person: str = told("Par", optional=True, hint="identifiant ou rôle")
    on: Day = told("Le", optional=True)


@dataclass(frozen=True, slots=True)
class Rollback:
    """How to go back."""

    __pydantic_config__: ClassVar[Any] = STRICT
    conditions: str = told("Conditions du retour arrière")
    steps: tuple[str, ...] = told("Étapes du retour arrière", ())
    checks: str = told("Vérifications après le retour")


@dataclass(frozen=True, slots=True)
class DeliveryNote:
    """A.1, note de livraison; `folder` holds the delivered files, by its whole path or from the runs' folder."""

    __pydantic_config__: ClassVar[Any] = STRICT
    document: Head
    market: str = told("Marché")
    delivery: Literal["", "complète", "mise à jour"] = told("Livraison", hint="complète ou mise à jour")
    version: str = told("Version livrée")
    nature: Literal["", "ME", "MC", "exploitation"] = told("Nature", hint="ME, MC ou exploitation")
    tickets: tuple[str, ...] = told("Tickets", ())
    targets: tuple[str, ...] = told("Cibles", ())
    prerequisites: tuple[str, ...] = told("Prérequis", ())
    goal: str = told("Objectif")
    impact: str = told("Impact")
    risks: str = told("Risques")
    folder: str = told("Dossier des fichiers livrés", hint="chemin entier, ou depuis le dossier des passages")
    deployment: tuple[str, ...] = told("Plan de déploiement", (), hint="étape par étape")
    watch: str = told("Surveillance après le déploiement")
    documents: tuple[str, ...] = told("Documents mis à jour", (), optional=True, hint="avec leur version")
    no_impact_because: str = told("Ou pourquoi aucun document n'est concerné", optional=True)
    rollback: Rollback = field(default_factory=Rollback)
    tests: DeliveryTests = field(default_factory=DeliveryTests)
    decision: GoNoGo = field(default_factory=GoNoGo)
    contents: tuple[Content, ...] = told("Contenu de la livraison", ())


@dataclass(frozen=True, slots=True)
class Arbitration:
    """What was decided of a gap, and where."""

    __pydantic_config__: ClassVar[Any] = STRICT
    scenario: str = told("Scénario", hint="par exemple HD-005")
    decision: str = told("Décision")
    reference: str = told("Référence", hint="relevé de décisions, COPIL")


@dataclass(frozen=True, slots=True)
class FinalReport:
    """A.2 in its final form: a published run, what the titulaire adds to it."""

    __pydantic_config__: ClassVar[Any] = STRICT
    document: Head
    run: str = told("Passage")
    remarks: str = told("Observations", optional=True)
    arbitrations: tuple[Arbitration, ...] = told("Arbitrages des écarts", (), optional=True)


@dataclass(frozen=True, slots=True)
class Stamp:
    """An instant and what it is known by."""

    __pydantic_config__: ClassVar[Any] = STRICT
    at: Moment = told("Instant, avec fuseau", hint="2026-12-31T18:00:00+01:00")
    source: str = told("Source", optional=True)


@dataclass(frozen=True, slots=True)
class Action:
    """What somebody is to do, by when."""

    __pydantic_config__: ClassVar[Any] = STRICT
    action: str = told("Action")
    owner: str = told("Responsable")
    due: Day = told("Échéance", hint="2026-12-31")
    ticket: str = told("Ticket", optional=True)
    done_on: Day = told("Faite le", optional=True)


@dataclass(frozen=True, slots=True)
class UrgentReport:
    """A.3, rapport d'intervention urgente; its five time stamps, in the order of DOMAIN §4.4."""

    __pydantic_config__: ClassVar[Any] = STRICT
    document: Head
    subject: str = told("Objet")
    symptoms: str = told("Symptômes")
    cause: str = told("Cause")
    work: str = told("Actions menées")
    consequences: str = told("Conséquences et données concernées")
    alert: Stamp = told("Alerte", Stamp())
    phone_call: Stamp = told("Appel téléphonique", Stamp())
    taken: Stamp = told("Prise en charge", Stamp())
    diagnosed: Stamp = told("Diagnostic", Stamp())
    restored: Stamp = told("Rétabli", Stamp())
    closed: Stamp = told("Clôture", Stamp())
    actions: tuple[Action, ...] = told("Suites", (), optional=True)


@dataclass(frozen=True, slots=True)
class RecordedDecision:
    """What was decided in a meeting."""

    __pydantic_config__: ClassVar[Any] = STRICT
    decision: str = told("Décision")
    context: str = told("Contexte")
    validator: str = told("Responsable de la validation")
    due: Day = told("Échéance", hint="2026-12-31")


@dataclass(frozen=True, slots=True)
class OpenQuestion:
    """What was left open."""

    __pydantic_config__: ClassVar[Any] = STRICT
    question: str = told("Question")
    owner: str = told("Responsable")
    due: Day = told("Échéance", hint="2026-12-31")


@dataclass(frozen=True, slots=True)
class DecisionRecord:
    """A.9, relevé de décisions."""

    __pydantic_config__: ClassVar[Any] = STRICT
    document: Head
    held_on: Day = told("Date de la réunion", hint="2026-12-31")
    duration: str = told("Durée", hint="par exemple 1 h 30")
    format: str = told("Format", hint="sur place, visioconférence, téléphone")
    subject: str = told("Objet")
    participants: tuple[str, ...] = told("Participants", ())
    references: tuple[str, ...] = told("Références", ())
    summary: str = told("Synthèse")
    alerts: tuple[str, ...] = told("Alertes", (), optional=True)
    conditions: tuple[str, ...] = told("Conditions de mise en œuvre", ())
    decisions: tuple[RecordedDecision, ...] = told("Décisions", (), optional=True)
    actions: tuple[Action, ...] = told("Actions", (), optional=True)
    questions: tuple[OpenQuestion, ...] = told("Questions en suspens", (), optional=True)


@dataclass(frozen=True, slots=True)
class Correction:
    """A ticket that was closed."""

    __pydantic_config__: ClassVar[Any] = STRICT
    ticket: str = told("Ticket")
    title: str = told("Titre")
    kind: str = told("Type", optional=True)
    closed_on: Day = told("Fermé le")
    version: str = told("Version")
    correction: str = told("Correction apportée")


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """Something that the ledger knows of the period; `line` is its number there, 0 for what a person adds."""

    __pydantic_config__: ClassVar[Any] = STRICT
    on: Day = told("Le")
    event: str = told("Événement")
    ticket: str = told("Ticket", optional=True)
    line: int = told("Ligne du registre", 0, optional=True, hint="0 : ajouté à la main")


@dataclass(frozen=True, slots=True)
class CorrectionLog:
    """A.11, journal des corrections of a period, both days included."""

    __pydantic_config__: ClassVar[Any] = STRICT
    document: Head
    first: Day = told("Premier jour de la période")
    last: Day = told("Dernier jour de la période")
    summary: str = told("Synthèse")
    corrections: tuple[Correction, ...] = told("Corrections", (), optional=True)
    events: tuple[LoggedEvent, ...] = told("Événements", (), optional=True)


Draft: TypeAlias = DeliveryNote | FinalReport | UrgentReport | DecisionRecord | CorrectionLog


@dataclass(frozen=True, slots=True)
class DeliveredFile:
    """A file of a delivery, by its path in the folder."""

    path: str
    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class RunFact:
    """A run as its folder and the ledger know it; `problem` is why it proves nothing, empty when it verifies."""

    run_id: str
    problem: str = ""
    platform: str = ""
    version: str = ""
    verdict: Verdict | None = None
    started_at: datetime | None = None
    partial: str = ""
    report_sha256: str = ""


@dataclass(frozen=True, slots=True)
class ProcedureFact:
    """A runbook of the emergency file; `problem` is why it is not up to date, empty when it is."""

    runbook: str
    title: str
    version: str = ""
    sha256: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class TicketFact:
    """A ticket as the tracker knows it; no state when it does not, for the reason in `problem`."""

    reference: str
    title: str = ""
    state: TicketState | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class DeliveryFacts:
    """What the gate of a delivery is judged on."""

    run: RunFact
    install: ProcedureFact
    deploy: ProcedureFact
    rollback: ProcedureFact
    files: tuple[DeliveredFile, ...] = ()
    files_problem: str = ""
    tickets: tuple[TicketFact, ...] = ()


@dataclass(frozen=True, slots=True)
class GateItem:
    """One condition of a deployment: what was found, and why it is not met (empty when it is).

    An `awaited` one comes after the note, and holds nothing up meanwhile.
    """

    title: str
    found: str
    missing: str = ""
    awaited: bool = False


class RecordEvent(StrEnum):
    """What happens to a relevé after the meeting."""

    SENT = "envoi"
    REMARKS = "remarques"
    INTEGRATED = "integration"


@dataclass(frozen=True, slots=True)
class Happened:
    """An event of a document: when, who declared it, its line in the ledger."""

    event: RecordEvent
    at: datetime
    person: str
    note: str
    sequence: int


@dataclass(frozen=True, slots=True)
class RemarkView:
    """Remarks: within the delay or not, until when they are integrated in each reading of 24 h, and when they were."""

    received_at: datetime
    is_late: bool
    by_clock: datetime
    by_days: datetime
    by_hours: datetime
    integrated_at: datetime | None
    over_by_clock: bool
    over_by_days: bool
    over_by_hours: bool


@dataclass(frozen=True, slots=True)
class RecordDelays:
    """The delays of a relevé as they stand; days of Paris. `tacit` once nobody remarked anything in time."""

    send_by: date
    sent_at: datetime | None
    is_sent_late: bool
    remarks_by: date | None
    remarks: tuple[RemarkView, ...]
    tacit: bool


@dataclass(frozen=True, slots=True)
class Lap:
    """Office time from one stamp to another, in seconds; None while either is not known."""

    title: str
    seconds: float | None


@dataclass(frozen=True, slots=True)
class UrgentDelays:
    """One working day from the alert to the diagnosis; `due` is None without the alert."""

    due: datetime | None
    reached_at: datetime | None
    is_over: bool
    laps: tuple[Lap, ...]
    disorder: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Validation:
    """The titulaire's signature of a document as it is; `key` is the fingerprint of his key."""

    version: int
    person: str
    decision: str
    at: datetime
    sequence: int
    key: str


@dataclass(frozen=True, slots=True)
class DocumentStatus:
    """Validated as it is, or a draft; `problem` is why an earlier validation does not hold any more."""

    validation: Validation | None = None
    problem: str = ""
