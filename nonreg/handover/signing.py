"""Engaging steps: who may sign them, what they are shown, and whether a signature holds, now and again before acting.

The text is made from the execution and from the answers: what was signed must still be true.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from nonreg.config import Platform
from nonreg.decision import (
    Decision,
    DecisionKind,
    DecisionRequest,
    SignedDecision,
    make_request,
    verify_decision,
    verify_signer,
)
from nonreg.errors import DecisionRefused
from nonreg.handover.state import KIND, Event
from nonreg.ledger import LedgerEntry
from nonreg.model import Role
from nonreg.model.handover import Actor, Execution, Outcome, Said, Step, StepKind
from nonreg.people import People, Person
from nonreg.working_time import PARIS

VALID_FOR = timedelta(hours=48)
DELEGATE, DELEGATED_UNTIL, MOA_REFERENCE = "delegataire", "delegation_jusqu_au", "reference_moa"


@dataclass(frozen=True, slots=True)
class Delegation:
    """Who may sign in the titulaire's place, until when (that day included), by which reference of the MOA."""

    person: str
    until: str
    reference: str
    execution: str


def list_delegations(
    entries: Iterable[LedgerEntry],
    executions: Iterable[Execution],
    *,
    platform: str,
    rehearsal: bool,
    people: People | None = None,
) -> tuple[Delegation, ...]:
    """Every delegation that the MOA signed for a platform, by steps which delegate; one played counts in plays only.

    A signature that is no longer found genuine by `people` delegates nothing. What the MOA has revoked does not come
    back, whatever becomes of the people file.
    """
    entries = tuple(entries)
    revoked = {
        (one.data["execution"], one.data["step"])
        for one in entries
        if one.kind == KIND and one.data.get("event") == Event.REVOKED
    }
    delegating = {
        (one.id, step.id)
        for one in executions
        for step in one.runbook.steps
        if step.delegates and (one.platform, one.rehearsal) == (platform, rehearsal)
    } - revoked
    found = []
    for entry in entries:
        data = entry.data
        is_step = (
            entry.kind == KIND and data.get("event") == Event.DONE and data.get("outcome") == Outcome.DONE
        )
        if is_step and (data["execution"], data["step"]) in delegating and is_by_moa(entry, people):
            said = data["said"]
            found.append(
                Delegation(
                    said.get(DELEGATE, ""),
                    said.get(DELEGATED_UNTIL, ""),
                    said.get(MOA_REFERENCE, ""),
                    data["execution"],
                )
            )
    return tuple(found)


def is_by_moa(entry: LedgerEntry, people: People | None) -> bool:
    """True for a line that the MOA signed indeed: whatever the runbook says, nobody else delegates (R58)."""
    if entry.decision is None or entry.decision.role is not Role.MOA_SCV:
        return False
    try:
        if people is not None:
            verify_signer(SignedDecision(entry.decision, "", entry.signature), people, entry.at)
    except DecisionRefused:
        return False
    return True


def is_delegate(person: Person, delegations: Iterable[Delegation], at: datetime) -> bool:
    """True when somebody may sign in the titulaire's place that day, by a reference of the MOA (R58)."""
    day = at.astimezone(PARIS).date().isoformat()
    return any(one.person == person.id and one.reference and day <= one.until for one in delegations)


def list_who_may(
    execution: Execution, step: Step, people: People, at: datetime, delegations: tuple[Delegation, ...] = ()
) -> tuple[Person, ...]:
    """Who may do a step: those of its role, the subject when it is his, a delegate when it is the titulaire's."""
    return tuple(
        person
        for person in people.persons
        if person.is_valid(at) and may_do(execution, step, person, at, delegations)
    )


def may_do(
    execution: Execution, step: Step, person: Person, at: datetime, delegations: tuple[Delegation, ...] = ()
) -> bool:
    """True when that person may do the step; whoever the runbook is about never judges himself."""
    if step.subject_excluded and person.id == execution.subject:
        return False
    if step.role is Actor.RENFORT:
        return person.id == execution.subject
    if person.role is step.role.role:
        return True
    return (
        step.role is Actor.TITULAIRE
        and person.id != execution.subject  # by a delegation of another execution: still not about oneself
        and is_delegate(person, delegations, at)
    )


def describe_step(execution: Execution, step: Step, said: tuple[Said, ...]) -> str:
    """The exact text that is signed: the step, its answers, and what was done before it."""
    labels = {one.id: one.label for one in step.fields}
    lines = [
        f"{step.id} — {step.title}",
        f"Runbook : {execution.runbook.title} ({execution.runbook.id}, version {execution.runbook.version})",
        f"Exécution : {execution.id}, plateforme {execution.platform}, ticket {execution.ticket}",
        *([f"Personne concernée : {execution.subject}"] if execution.subject else []),
        *(["Répétition : rien de ce qui suit n'engage."] if execution.rehearsal else []),
        "",
        step.instructions.strip(),
        "",
        *(f"{labels.get(one.field, one.field)} : {indent(one.value) or '—'}" for one in said),
        "",
        "Étapes faites avant celle-ci :",
        *(
            f"- {done.step_id}, {'sans objet' if done.outcome is Outcome.NOT_APPLICABLE else 'faite'}"
            f"{f' par {done.person}' if done.person else ''} le {done.at.astimezone(UTC):%d/%m/%Y à %H:%M} UTC"
            for done in execution.done
            if done.step_id in step.requires or is_before(execution, done.step_id, step.id)
        ),
    ]
    return "\n".join(lines).rstrip() + "\n"


def indent(value: str) -> str:
    """An answer whose lines after the first stand back: none can pass for another answer, or for a step."""
    return value.replace("\n", "\n    ")


def is_before(execution: Execution, first: str, second: str) -> bool:
    """True when a step stands above another one in the runbook."""
    order = [one.id for one in execution.runbook.steps]
    return order.index(first) < order.index(second)


def name_subject(execution: Execution, step: Step) -> str:
    """What a decision on a step is about: it holds for this execution only."""
    return f"{execution.id}/{step.id}"


def request_signature(
    platform: Platform, execution: Execution, step: Step, said: tuple[Said, ...], person: Person, at: datetime
) -> DecisionRequest:
    """What a person is asked to sign."""
    shown = describe_step(execution, step, said)
    return make_request(
        DecisionKind.ETAPE,
        name_subject(execution, step),
        shown,
        platform,
        person,
        ticket=execution.ticket,
        reason=step.title,
        decided_at=at,
        expires_at=at + VALID_FOR,
    )


def verify_step(
    signed: SignedDecision,
    platform: Platform,
    people: People,
    execution: Execution,
    step: Step,
    said: tuple[Said, ...],
    at: datetime,
    delegations: tuple[Delegation, ...] = (),
) -> Decision:
    """The decision, when it is genuine and for exactly this step, by somebody who may; DecisionRefused says why not."""
    if step.kind is not StepKind.SIGNATURE:
        raise DecisionRefused(f"L'étape {step.id} ne se signe pas.")
    allowed = list_who_may(execution, step, people, at, delegations)
    decision = verify_decision(
        signed,
        people,
        kind=DecisionKind.ETAPE,
        shown=describe_step(execution, step, said),
        platform=platform.name,
        identity_token=platform.identity_token,
        roles=frozenset(person.role for person in allowed) | own_roles(step),
        at=at,
        subject=name_subject(execution, step),
    )
    require_short(decision)
    if decision.person not in {person.id for person in allowed}:
        own = (
            " : personne ne juge de sa propre mise en capacité"
            if decision.person == execution.subject
            else ""
        )
        raise DecisionRefused(f"« {decision.person} » ne peut pas signer l'étape {step.id}{own}.")
    return decision


def require_short(decision: Decision) -> None:
    """DecisionRefused for a signature that was made to last."""
    if decision.expires_at - decision.decided_at > VALID_FOR:
        raise DecisionRefused(
            f"La décision {decision.id} vaut plus de {VALID_FOR // timedelta(hours=1)} h : une étape se signe au "
            "moment où elle est faite."
        )


def own_roles(step: Step) -> frozenset[Role]:
    """The role that a step asks for, if it is one of the contract."""
    return frozenset([step.role.role] if step.role.role else [])


def verify_again(execution: Execution, entries: Iterable[LedgerEntry], people: People, at: datetime) -> None:
    """Before acting on signed steps: each signature still genuine, its person still entitled; DecisionRefused."""
    for entry in entries:
        if entry.decision is None or entry.data.get("event") != Event.DONE:
            continue
        signed = SignedDecision(entry.decision, "", entry.signature)
        verify_signer(signed, people, entry.at)
        person = people.find(entry.decision.person)
        if person is None or not person.is_valid(at):
            raise DecisionRefused(
                f"« {entry.decision.person} », qui a signé l'étape {entry.data.get('step')} de {execution.id}, "
                "n'est plus habilité(e)."
            )
