"""Who may act as the active site after a switchover, a crash or a cut: mandates and fencing. Pure.

Every declaration of an active site carries a higher number, its mandate. The invariant: a site whose server started
again is active only when somebody else was heard since and nobody knows a higher mandate; a site that hears of a higher
mandate of another one steps down, even while it runs. Who hears nobody stays as he is: one that waits goes on waiting,
one that was confirmed goes on working.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

ACTIVE, PASSIVE, WITNESS = "ACTIF", "PASSIF", "SURVEILLANCE"
WAITING = "ATTENTE"  # declared active, not confirmed since its server started
UNKNOWN = "INCONNU"  # its database does not answer


@dataclass(frozen=True, slots=True)
class Claim:
    """The site that is active under a mandate, None when it is not known."""

    mandate: int
    active: str | None


@dataclass(frozen=True, slots=True)
class Node:
    """What a site's own database says of itself."""

    site: str
    role: str
    claim: Claim


@dataclass(frozen=True, slots=True)
class Confirm:
    """Let the own node be active again under its own mandate."""

    mandate: int


@dataclass(frozen=True, slots=True)
class StepDown:
    """Record on the own node that another site is active under a higher mandate."""

    site: str
    mandate: int


NO_CLAIM = Claim(0, None)


def find_highest(claims: Iterable[Claim]) -> Claim:
    """The claim of the highest mandate; of several the first that names a site. NO_CLAIM when there is none."""
    return max(claims, key=lambda claim: (claim.mandate, claim.active is not None), default=NO_CLAIM)


def decide(
    node: Node, known: Claim, others: Collection[Node], *, answered: bool
) -> Confirm | StepDown | None:
    """What the own node must do now.

    `known` is the highest claim that anybody knows, `others` are the sites that are alive, and `answered` tells whether
    a heartbeat came since the node was first seen waiting.
    """
    if known.mandate > node.claim.mandate and known.active not in (None, node.site):
        return StepDown(str(known.active), known.mandate)
    contested = any(other.role == ACTIVE and other.claim.mandate >= node.claim.mandate for other in others)
    if node.role == WAITING and answered and known.mandate <= node.claim.mandate and not contested:
        return Confirm(node.claim.mandate)
    return None
