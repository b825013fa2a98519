"""Runbooks and their executions: what is to be done, what was done, by whom, and the clock.

    Runbook (TOML) → Execution, opened for somebody → StepDone… → closed; all of it is read from the ledger

Vocabulary: DOMAIN §4.1, §5, §6.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

from nonreg.model.run import Evidence
from nonreg.model.vocabulary import Role

STRICT = {"extra": "forbid"}


class StepKind(StrEnum):
    """How a step is done."""

    AUTOMATIC = "automatic"  # the tool checks or does it
    CONFIRMATION = "confirmation"  # somebody fills in a form, under a declared name
    SIGNATURE = "signature"  # an engaging decision, signed with an SSH key
    CAMPAIGN = "campaign"  # a non-regression campaign, judged


class Actor(StrEnum):
    """Who does a step: a role of the contract, the person whom the runbook is about, or the tool."""

    OUTIL = "outil"
    RENFORT = "renfort"
    TITULAIRE = "titulaire"
    RENFORT_TECHNIQUE = "renfort_technique"
    RENFORT_PILOTAGE = "renfort_pilotage"
    MOA_SCV = "moa_scv"
    SPC_GD = "spc_gd"

    @property
    def role(self) -> Role | None:
        """The role; None for the tool and for the person whom the runbook is about."""
        return None if self in (Actor.OUTIL, Actor.RENFORT) else Role(self.value)


class FieldKind(StrEnum):
    """What is written in a field of a form."""

    TEXT = "texte"
    REFERENCE = "reference"  # of a document or a ticket: one line
    DATE = "date"
    INSTANT = "instant"
    CHOICE = "choix"
    CHOICES = "choix_multiples"
    YES = "oui"  # to be confirmed: only « oui » is taken
    YES_NO = "oui_non"
    NUMBER = "nombre"


class ClockMove(StrEnum):
    """What a step does to the clock of the delay."""

    NONE = ""
    START = "depart"
    STOP = "arret"


class Outcome(StrEnum):
    """How a step ended."""

    DONE = "fait"
    NOT_APPLICABLE = "sans_objet"


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a form; `options` for a choice, `help` stands below the field.

    `document` names what a « oui » acknowledges as read: « tickets », « analyse », « runbook:ID ».
    """

    __pydantic_config__: ClassVar[Any] = STRICT
    id: str
    label: str
    kind: FieldKind = FieldKind.TEXT
    required: bool = True
    help: str = ""
    options: tuple[str, ...] = ()
    document: str = ""


@dataclass(frozen=True, slots=True)
class CampaignStep:
    """What a campaign step runs; `families` as the command line writes them: base, applicatif, hd.

    A `compared` one is compared with the last run of somebody else than the person whom the runbook is about.
    """

    __pydantic_config__: ClassVar[Any] = STRICT
    families: tuple[str, ...]
    effects: str = "lecture"
    select: str = ""
    compared: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One step; its id stays when it is automated.

    `requires` are ids of steps that come before (the one above it unless told otherwise), `deadline_hours` « heures
    ouvrées » from the start of the clock. `check` names what an automatic step asks, `command` what somebody types.
    A step that `delegates` names who may sign in the titulaire's place; `subject_excluded` when the person whom the
    runbook is about may not do it.
    """

    __pydantic_config__: ClassVar[Any] = STRICT
    id: str
    title: str
    role: Actor
    kind: StepKind
    instructions: str
    evidence: str
    requires: tuple[str, ...] = ()
    precondition: str = ""
    undo: str = ""
    deadline_hours: int | None = None
    check: str = ""
    command: str = ""
    clock: ClockMove = ClockMove.NONE
    fields: tuple[Field, ...] = ()
    campaign: CampaignStep | None = None
    requirement_ids: tuple[str, ...] = ()
    may_be_skipped: bool = False
    delegates: bool = False
    subject_excluded: bool = False


@dataclass(frozen=True, slots=True)
class Runbook:
    """One procedure; `sha256` is of its file, `unknown` are the placeholders of facts that the site has not told."""

    __pydantic_config__: ClassVar[Any] = STRICT
    id: str
    title: str
    summary: str
    version: str
    steps: tuple[Step, ...]
    sha256: str = ""
    requirement_ids: tuple[str, ...] = ()
    delay_hours: int | None = None
    unknown: tuple[str, ...] = ()

    def step(self, step_id: str) -> Step | None:
        """The step of that id, None when there is none."""
        return next((one for one in self.steps if one.id == step_id), None)


@dataclass(frozen=True, slots=True)
class Said:
    """One answer of a form, as text."""

    field: str
    value: str


@dataclass(frozen=True, slots=True)
class StepDone:
    """A step that is done for good: who (declared, or signed when there is a decision), when, on what evidence.

    `sequence` is its line in the ledger; `person` is empty for what the tool did by itself.
    """

    step_id: str
    at: datetime
    outcome: Outcome
    person: str
    said: tuple[Said, ...]
    evidence: tuple[Evidence, ...]
    note: str
    sequence: int
    decision_id: str = ""


@dataclass(frozen=True, slots=True)
class StepFailed:
    """One try of a step that did not succeed; `remedy` says how to fix it."""

    step_id: str
    at: datetime
    message: str
    remedy: str
    sequence: int


@dataclass(frozen=True, slots=True)
class Revoked:
    """A delegation that the MOA ended before its day, from then on; `step_id` had given it to `delegate`."""

    step_id: str
    at: datetime
    delegate: str
    reason: str
    person: str
    sequence: int
    decision_id: str


@dataclass(frozen=True, slots=True)
class Suspension:
    """The clock stood still, for a reason; `until` is None while it does. Sequences are lines of the ledger."""

    since: datetime
    reason: str
    person: str
    sequence: int
    until: datetime | None = None
    resumed_by: str = ""
    resumed_sequence: int = 0


@dataclass(frozen=True, slots=True)
class Clock:
    """The clock of the delay: events with proof, which are lines of the ledger."""

    started_at: datetime | None = None
    stopped_at: datetime | None = None
    suspensions: tuple[Suspension, ...] = ()

    @property
    def is_suspended(self) -> bool:
        """True while it stands still."""
        return bool(self.suspensions) and self.suspensions[-1].until is None


@dataclass(frozen=True, slots=True)
class Execution:
    """A runbook under way or ended, as the ledger tells it.

    `subject` is the person whom it is about (empty when nobody), `rehearsal` one that is only played. `closed_at` is
    None while it goes on, `closed_by` empty when its last step closed it; `abandoned` says why it was given up.
    Sequences are lines of the ledger.
    """

    id: str
    runbook: Runbook
    platform: str
    ticket: str
    subject: str
    opened_by: str
    opened_at: datetime
    opened_sequence: int
    rehearsal: bool = False
    parameters: tuple[Said, ...] = ()
    done: tuple[StepDone, ...] = ()
    failed: tuple[StepFailed, ...] = ()
    clock: Clock = Clock()
    closed_at: datetime | None = None
    closed_by: str = ""
    closed_sequence: int = 0
    abandoned: str = ""
    revoked: tuple[Revoked, ...] = ()

    def find(self, step_id: str) -> StepDone | None:
        """How a step was done, None while it is not."""
        return next((one for one in self.done if one.step_id == step_id), None)
