"""What a person answers to a step, whichever way it came: the UI of Prefect, a terminal, a file.

One function for all ways, so that none of them is easier: the declared person must be of the step's role, a signature
must hold, a skipped step needs a reason, and nothing is recorded otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from nonreg.config import Platform
from nonreg.decision import SignedDecision
from nonreg.errors import DecisionRefused, UsageError
from nonreg.handover.form import check_reason, check_said
from nonreg.handover.journal import Journal, StepRefused, require_open
from nonreg.handover.signing import DELEGATE, Delegation, list_who_may, verify_step
from nonreg.masking import Mask, list_secrets
from nonreg.model import Evidence
from nonreg.model.handover import Execution, Outcome, Said, Step, StepKind
from nonreg.people import People

HUMAN = (StepKind.CONFIRMATION, StepKind.SIGNATURE)


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one step; `signed` for an engaging one, `skip_reason` when it does not apply."""

    step_id: str
    person: str
    values: Mapping[str, str]
    signed: SignedDecision | None = None
    skip_reason: str = ""


def find_human_step(execution: Execution, step_id: str) -> Step:
    """A step that a person answers and may answer now; UsageError or StepRefused otherwise."""
    require_open(execution, step_id)
    step = execution.runbook.step(step_id)
    if step is None or step.kind not in HUMAN:
        raise UsageError(f"L'étape {step_id} est faite par l'outil : personne n'y répond.")
    return step


Keep = Callable[[Step, tuple[Said, ...]], tuple[Evidence, ...]]


def keep_nothing(step: Step, said: tuple[Said, ...]) -> tuple[Evidence, ...]:
    """No document is acknowledged."""
    return ()


def record_answer(
    journal: Journal,
    platform: Platform,
    people: People,
    execution: Execution,
    answer: Answer,
    at: datetime,
    keep: Keep = keep_nothing,
) -> Execution:
    """Check the answer and record the step as done, with the documents that it acknowledges; the state after it."""
    if platform.name != execution.platform:
        raise UsageError(f"L'exécution {execution.id} porte sur la plateforme « {execution.platform} ».")
    step = find_human_step(execution, answer.step_id)
    told = {**answer.values, "sans objet": answer.skip_reason}
    require_no_secret(platform, f"Étape {step.id}", told)
    delegations = journal.list_delegations(execution)
    require_may(execution, step, people, answer.person, at, delegations)
    if answer.skip_reason.strip():
        return skip(journal, execution, step, answer, at)
    said = check_said(step, answer.values, at)
    require_delegate(execution, step, said, people, at)
    if step.kind is StepKind.SIGNATURE:
        if answer.signed is None:
            raise DecisionRefused(f"L'étape {step.id} engage : elle se signe, elle ne se déclare pas.")
        decision = verify_step(answer.signed, platform, people, execution, step, said, at, delegations)
        if decision.person != answer.person:
            raise DecisionRefused(
                f"La signature est celle de « {decision.person} », pas de « {answer.person} »."
            )
    elif answer.signed is not None:
        raise UsageError(f"L'étape {step.id} se confirme, elle ne se signe pas.")
    return journal.add_done(
        execution,
        step.id,
        person=answer.person,
        at=at,
        said=said,
        evidence=keep(step, said),
        signed=answer.signed,
    )


def require_no_secret(platform: Platform, where: str, texts: Mapping[str, str]) -> None:
    """UsageError for a text that holds a password of the platform: the ledger keeps what it is told for good."""
    mask = Mask(list_secrets(platform))
    for name, text in texts.items():
        if mask.hide(str(text)) != str(text):
            raise UsageError(
                f"{where}, « {name} » : cette réponse contient un secret de la plateforme, rien n'est "
                "enregistré. Changez ce secret s'il a été vu."
            )


def skip(journal: Journal, execution: Execution, step: Step, answer: Answer, at: datetime) -> Execution:
    """The step does not apply, and somebody says why."""
    if not step.may_be_skipped:
        raise StepRefused(f"L'étape {step.id} est obligatoire : elle ne peut pas être sans objet.")
    return journal.add_done(
        execution,
        step.id,
        person=answer.person,
        at=at,
        outcome=Outcome.NOT_APPLICABLE,
        note=check_reason(answer.skip_reason),
    )


def require_may(
    execution: Execution,
    step: Step,
    people: People,
    person_id: str,
    at: datetime,
    delegations: tuple[Delegation, ...] = (),
) -> None:
    """UsageError unless that person, known and entitled then, may do the step."""
    allowed = [one.id for one in list_who_may(execution, step, people, at, delegations)]
    if person_id in allowed:
        return
    if people.find(person_id) is None:
        raise UsageError(f"La personne « {person_id} » n'est pas dans {people.file.name}.")
    raise UsageError(
        f"« {person_id} » ne fait pas l'étape {step.id} : il faut {', '.join(allowed) or 'quelqu’un d’habilité'}."
    )


def require_delegate(
    execution: Execution, step: Step, said: tuple[Said, ...], people: People, at: datetime
) -> None:
    """UsageError for a delegate who could not sign: unknown, not entitled, or the person whom the runbook is about."""
    if not step.delegates:
        return
    person_id = next((one.value for one in said if one.field == DELEGATE), "")
    person = people.find(person_id)
    if person is None or not person.is_valid(at):
        raise UsageError(f"Le délégataire « {person_id} » n'est pas habilité dans {people.file.name}.")
    if person_id == execution.subject:
        raise UsageError(
            f"« {person_id} » est la personne concernée : elle ne prononcera pas sa propre mise en capacité."
        )
