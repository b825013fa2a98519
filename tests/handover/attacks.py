"""What is tried to pass an engaging step without the right signature: the same table for every way to answer.

The step is the capability of the pilotage renfort (O4, the titulaire's), who holds a delegation of the MOA from
another execution: everything is at hand for whoever would pronounce their own.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from nonreg.clients.sshsig import load_key_file
from nonreg.decision import DecisionRequest, SignedDecision, hash_shown, sign_decision
from nonreg.handover.signing import request_signature
from nonreg.model.handover import Execution, Step
from tests.handover.executions import MOA, PILOTAGE, TECHNIQUE, TITULAIRE, Played

STEP = "O4"
NOBODY_ELSE = "ne peut pas prendre|ne fait pas l'étape"


@dataclass(frozen=True, slots=True)
class Target:
    """The step that waits for the titulaire's signature, and another one like it that was signed."""

    played: Played
    execution: Execution
    signed_elsewhere: SignedDecision

    @property
    def step(self) -> Step:
        found = self.execution.runbook.step(STEP)
        assert found is not None
        return found

    def ask(self, person: str = TITULAIRE) -> DecisionRequest:
        """What that person would be asked to sign now."""
        who = self.played.governed.people.find(person)
        assert who is not None
        at = datetime.now(UTC)
        return request_signature(self.played.governed.platform, self.execution, self.step, (), who, at)

    def sign(self, request: DecisionRequest, key: str = TITULAIRE, **changes: Any) -> SignedDecision:
        """By somebody's key, after some of the decision was changed."""
        decision = dataclasses.replace(request.decision, **changes)
        signer = load_key_file(Path(self.played.governed.key(key)))
        return sign_decision(DecisionRequest(decision, request.shown), signer)

    def is_done(self) -> bool:
        """True once somebody got through."""
        return self.played.journal.load(self.execution.id).find(STEP) is not None


def make_target(played: Played) -> Target:
    """A delegation to the pilotage renfort, a capability that was pronounced, and one that waits: the target."""
    at = datetime.now(UTC)
    other = reach(played, TECHNIQUE, at)
    told = {
        "delegataire": PILOTAGE,
        "delegation_jusqu_au": f"{at + timedelta(days=30):%Y-%m-%d}",
        "reference_moa": "SCV-13",
    }
    signed = played.sign(other, "O3", MOA, at, **told)
    other = played.answer(other, "O3", MOA, at, signed=signed, **told)
    served = played.sign(other, STEP, TITULAIRE, at)
    played.answer(other, STEP, TITULAIRE, at, signed=served)
    execution = played.answer(reach(played, PILOTAGE, at), "O3", MOA, at, skip="le titulaire est là")
    return Target(played, execution, served)


def reach(played: Played, subject: str, at: datetime) -> Execution:
    """An execution that waits for its delegation."""
    execution = played.open(subject, at)
    execution = played.answer(execution, "O0", TITULAIRE, at, demande_le="30/11/2026 09:00")
    execution = played.answer(execution, "O1", MOA, at, reference="SCV-12", accord="oui")
    return played.journal.add_done(execution, "O2", person="", at=at)


@dataclass(frozen=True, slots=True)
class Attack:
    """One way to cheat; `told` is a pattern of the sentence that refuses it."""

    name: str
    make: Callable[[Target], SignedDecision]
    told: str

    def __str__(self) -> str:
        return self.name


def forge(target: Target) -> SignedDecision:
    """In the titulaire's name, by another key."""
    return target.sign(target.ask(), key=PILOTAGE)


def alter(target: Target) -> SignedDecision:
    """Signed by the titulaire for a day, made to last afterwards."""
    signed = target.sign(target.ask(), expires_at=datetime.now(UTC) + timedelta(hours=24))
    later = dataclasses.replace(signed.decision, expires_at=datetime.now(UTC) + timedelta(hours=47))
    return dataclasses.replace(signed, decision=later)


def replay(target: Target) -> SignedDecision:
    """Genuine, and served already."""
    return target.signed_elsewhere


def let_expire(target: Target) -> SignedDecision:
    """Genuine, of last week."""
    then = datetime.now(UTC) - timedelta(days=7)
    return target.sign(target.ask(), decided_at=then, expires_at=then + timedelta(hours=48))


def take_another_role(target: Target) -> SignedDecision:
    """Genuine, by somebody who decides other things."""
    return target.sign(target.ask(MOA), key=MOA)


def claim_role(target: Target) -> SignedDecision:
    """By one's own key, as what one is not."""
    return target.sign(target.ask(MOA), key=MOA, role=target.ask().decision.role)


def sign_another_plan(target: Target) -> SignedDecision:
    """Genuine, of another text of the same step."""
    request = target.ask()
    shown = request.shown.replace("Prononcer la mise en capacité.", "Accuser réception.")
    assert shown != request.shown
    return target.sign(DecisionRequest(request.decision, shown), content_sha256=hash_shown(shown))


def approve_oneself(target: Target) -> SignedDecision:
    """By whom the step is about, who may sign in the titulaire's place elsewhere."""
    return target.sign(target.ask(PILOTAGE), key=PILOTAGE)


ATTACKS = (
    Attack("contrefaite", forge, "est celle de « renfort-pilotage-essai »"),
    Attack("modifiee", alter, "ne correspond pas"),
    Attack("rejouee", replay, "La décision porte sur"),
    Attack("expiree", let_expire, "a expiré"),
    Attack("autre role", take_another_role, NOBODY_ELSE),
    Attack("role usurpe", claim_role, "mais « moa-scv-essai » est moa_scv|ne fait pas l'étape"),
    Attack("autre plan", sign_another_plan, "empreinte diffère"),
    Attack("de soi-meme", approve_oneself, NOBODY_ELSE),
)
