"""The French words of runbooks: who, how, what is written in a form, and where a step stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from nonreg.model.handover import (
    Actor,
    CampaignStep,
    Execution,
    FieldKind,
    Outcome,
    Step,
    StepDone,
    StepFailed,
    StepKind,
)
from reports import labels, text
from reports.document import Cell

HOURS_A_DAY = 24  # « 48h ouvrées » read as days
SUBJECT = "personne concernée"
TOOL = "outil"
REHEARSAL = "RÉPÉTITION"
ACTORS: dict[Actor, str] = {
    actor: labels.ROLES[actor.role] if actor.role else TOOL if actor is Actor.OUTIL else SUBJECT
    for actor in Actor
}
KINDS: dict[StepKind, str] = {
    StepKind.AUTOMATIC: "vérification faite par l'outil",
    StepKind.CONFIRMATION: "formulaire confirmé par une personne",
    StepKind.SIGNATURE: "décision signée par une personne (clé SSH)",
    StepKind.CAMPAIGN: "campagne de non-régression, jugée",
}
EFFECTS: dict[str, str] = {one.value: words for one, words in labels.EFFECT_LIMITS.items()}
FORMATS: dict[FieldKind, str] = {
    FieldKind.TEXT: "",
    FieldKind.REFERENCE: "référence",
    FieldKind.DATE: "jj/mm/aaaa",
    FieldKind.INSTANT: "jj/mm/aaaa hh:mm",
    FieldKind.CHOICE: "une réponse",
    FieldKind.CHOICES: "une ou plusieurs réponses",
    FieldKind.YES: "obligatoire",
    FieldKind.YES_NO: "",
    FieldKind.NUMBER: "nombre",
}


class State(StrEnum):
    """Where a step stands."""

    DONE = "faite"
    SKIPPED = "sans objet"
    FAILED = "en échec"
    OPEN = "à faire"
    WAITING = "à venir"
    LEFT = "non faite"  # and never will be: the execution is closed


STATES: dict[State, Cell] = {
    State.DONE: Cell("Faite", "✔", "ok"),
    State.SKIPPED: Cell("Sans objet", "○", "muted"),
    State.FAILED: Cell("En échec", "✗", "ko"),
    State.OPEN: Cell("À faire", "▶", "info"),
    State.WAITING: Cell("À venir", "—", "muted"),
    State.LEFT: Cell("Non faite", "✗", "warn"),
}


@dataclass(frozen=True, slots=True)
class Standing:
    """A step with what became of it; `waits_for` are steps that come before and are not done."""

    step: Step
    state: State
    done: StepDone | None
    failed: tuple[StepFailed, ...]
    waits_for: tuple[str, ...]

    @property
    def who(self) -> str:
        """Who did it, or is to do it."""
        return (self.done.person or TOOL) if self.done else ACTORS[self.step.role]

    @property
    def when(self) -> datetime | None:
        """When it was done, or tried last."""
        if self.done:
            return self.done.at
        return self.failed[-1].at if self.failed else None


def list_standings(execution: Execution) -> tuple[Standing, ...]:
    """Every step of the runbook, in its order."""
    done = {one.step_id for one in execution.done}
    return tuple(_find_standing(execution, step, done) for step in execution.runbook.steps)


def _find_standing(execution: Execution, step: Step, done_ids: set[str]) -> Standing:
    done = execution.find(step.id)
    failed = tuple(one for one in execution.failed if one.step_id == step.id)
    waits_for = tuple(one for one in step.requires if one not in done_ids)
    if done is not None:
        state = State.SKIPPED if done.outcome is Outcome.NOT_APPLICABLE else State.DONE
    elif execution.closed_at is not None:
        state = State.LEFT
    elif waits_for:
        state = State.WAITING
    else:
        state = State.FAILED if failed else State.OPEN
    return Standing(step, state, done, failed, waits_for)


def list_open(standings: Sequence[Standing]) -> tuple[Standing, ...]:
    """Those that may be done now."""
    return tuple(one for one in standings if one.state in (State.OPEN, State.FAILED))


def is_complete(execution: Execution) -> bool:
    """True when it was ended with every step done, or declared without object."""
    done = {one.step_id for one in execution.done}
    is_ended = execution.closed_at is not None and not execution.abandoned
    return is_ended and all(step.id in done for step in execution.runbook.steps)


def describe_hours(hours: int) -> str:
    """Return « 48 h ouvrées (2 jours ouvrés, ou 48 heures d'ouverture) »."""
    days, hours_name = name_readings(hours)
    return f"{hours} h ouvrées ({days}, ou {hours_name})" if days != hours_name else f"{hours} h ouvrées"


def name_readings(hours: int) -> tuple[str, str]:
    """Return how a delay is called in days and in hours; both the same when it is no whole number of days."""
    by_hours = text.plural(hours, "heure d'ouverture", "heures d'ouverture")
    if hours % HOURS_A_DAY:
        return by_hours, by_hours
    return text.plural(hours // HOURS_A_DAY, "jour ouvré", "jours ouvrés"), by_hours


def describe_campaign(campaign: CampaignStep) -> str:
    """Return « BASE, APPLICATIF ; lecture seule »."""
    parts = [", ".join(campaign.families).upper(), EFFECTS.get(campaign.effects, campaign.effects)]
    if campaign.select:
        parts.append("scénarios " + ", ".join(campaign.select.split(",")))
    return " ; ".join(parts)
