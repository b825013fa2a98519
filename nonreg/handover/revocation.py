"""Ending a delegation before its day: the MOA, who gave it, signs that it ends; it counts from its line on.

What the delegate signed before stays: it was in their right. Source: R58.
"""

from __future__ import annotations

from datetime import datetime

from nonreg.config import Platform
from nonreg.decision import (
    Decision,
    DecisionKind,
    DecisionRequest,
    SignedDecision,
    make_request,
    verify_decision,
)
from nonreg.errors import UsageError
from nonreg.handover.form import check_reason
from nonreg.handover.signing import (
    DELEGATE,
    DELEGATED_UNTIL,
    MOA_REFERENCE,
    VALID_FOR,
    name_subject,
    require_short,
)
from nonreg.model import Role
from nonreg.model.handover import Execution, Outcome, Step, StepDone
from nonreg.people import People, Person


def find_delegating(execution: Execution) -> tuple[Step, StepDone]:
    """The step that delegated and how it was done; UsageError without one, or when it is revoked already."""
    revoked = {one.step_id: one for one in execution.revoked}
    found = [
        (step, done)
        for step in execution.runbook.steps
        if step.delegates and (done := execution.find(step.id)) is not None and done.outcome is Outcome.DONE
    ]
    for step, done in found:
        if step.id not in revoked:
            return step, done
    if not found:
        raise UsageError(f"L'exécution {execution.id} n'a donné aucune délégation.")
    line = revoked[found[-1][0].id]
    raise UsageError(
        f"La délégation de l'exécution {execution.id} est déjà révoquée par « {line.person} » (ligne {line.sequence})."
    )


def name_delegate(done: StepDone) -> str:
    """Who was delegated by a step."""
    return {one.field: one.value for one in done.said}.get(DELEGATE, "")


def describe_revocation(execution: Execution, step: Step, done: StepDone, reason: str) -> str:
    """The exact text that is signed."""
    said = {one.field: one.value for one in done.said}
    lines = [
        f"Révocation de la délégation de « {said.get(DELEGATE, '')} »",
        f"Délégation : étape {step.id} de {execution.id}, ligne {done.sequence} du registre, "
        f"décision {done.decision_id}",
        f"Plateforme {execution.platform}, ticket {execution.ticket}",
        f"Elle valait jusqu'au {said.get(DELEGATED_UNTIL, '')}, référence de la MOA : {said.get(MOA_REFERENCE, '')}",
        *(["Répétition : rien de ce qui suit n'engage."] if execution.rehearsal else []),
        f"Motif : {reason}",
        "",
        "Dès l'inscription de cette décision au registre, cette personne ne signe plus à la place du titulaire par "
        "cette délégation, dans aucune exécution. Ce qu'elle a signé avant reste valable.",
    ]
    return "\n".join(lines) + "\n"


def request_revocation(
    platform: Platform, execution: Execution, reason: str, person: Person, at: datetime
) -> DecisionRequest:
    """What the MOA is asked to sign; UsageError without a delegation to end, or without a reason."""
    step, done = find_delegating(execution)
    shown = describe_revocation(execution, step, done, require_reason(reason))
    return make_request(
        DecisionKind.REVOCATION,
        name_subject(execution, step),
        shown,
        platform,
        person,
        ticket=execution.ticket,
        reason=f"Fin de la délégation de {name_delegate(done)}",
        decided_at=at,
        expires_at=at + VALID_FOR,
    )


def verify_revocation(
    signed: SignedDecision,
    platform: Platform,
    people: People,
    execution: Execution,
    reason: str,
    at: datetime,
) -> tuple[StepDone, Decision]:
    """The delegation that ends, and the decision, genuine and of the MOA; DecisionRefused says why not."""
    step, done = find_delegating(execution)
    decision = verify_decision(
        signed,
        people,
        kind=DecisionKind.REVOCATION,
        shown=describe_revocation(execution, step, done, require_reason(reason)),
        platform=platform.name,
        identity_token=platform.identity_token,
        roles=frozenset([Role.MOA_SCV]),
        at=at,
        subject=name_subject(execution, step),
    )
    require_short(decision)
    return done, decision


def require_reason(text: str) -> str:
    """Why it ends; UsageError for nothing, or for what cannot be read on one line."""
    reason = " ".join(check_reason(text).split())
    if not reason:
        raise UsageError("Une révocation demande un motif.")
    return reason
