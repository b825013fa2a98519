"""What must be done to bring the roles back, decided from what both nodes say; no I/O.

Invariant: nothing is decided while a node is silent, and a copy never overwrites the site with the highest mandate.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from nonreg.probes.nodes import Node

ACTIVE, PASSIVE, WAITING = "ACTIF", "PASSIF", "ATTENTE"


class Move(StrEnum):
    """What the switchover tool is asked, or why it is not."""

    DONE = "fini"
    WAIT = "attendre"
    SWITCH = "basculer"
    REINITIALISE = "reinitialiser"
    PERSON = "decision humaine"


@dataclass(frozen=True, slots=True)
class Step:
    """The next move; `site` is the tool's argument, `why` a French reason."""

    move: Move
    site: str = ""
    why: str = ""


def decide(nominal: str, nodes: tuple[Node, Node], *, patient: bool) -> Step:
    """The next step towards `nominal` being active with a streaming passive.

    `patient`: links may still be coming back by themselves, so a replication that does not stream is waited for.
    """
    silent = [node.site for node in nodes if not node.role]
    if silent:
        return Step(Move.WAIT, why=f"la base de {' et '.join(silent)} ne répond pas")
    if unread := [node.unknown for node in nodes if node.unknown]:  # what was not read is not a count of none
        return Step(Move.WAIT if patient else Move.PERSON, why=" ; ".join(unread).rstrip("."))
    if any(node.role == WAITING for node in nodes) and patient:
        return Step(Move.WAIT, why="un site actif attend sa confirmation")
    # One that waits was declared active: it holds acknowledged writes as an active one does.
    claiming = [node for node in nodes if node.role != PASSIVE]
    if len(claiming) == 2:
        return settle_split_brain(nodes)
    if not claiming:
        return Step(Move.SWITCH, nominal, "aucun site n'est actif")
    (holder,) = claiming
    (other,) = (node for node in nodes if node is not holder)
    if other.mandate > holder.mandate:
        why = f"{other.site}, passif, a un mandat ({other.mandate}) plus récent que {holder.site} ({holder.mandate})"
        return Step(Move.WAIT, why=why) if patient else Step(Move.PERSON, why=why)
    if not (holder.subscribers and other.subscriptions):
        if patient and holder.slots and other.declared:
            return Step(Move.WAIT, why=f"la réplication de {holder.site} vers {other.site} ne passe pas")
        return Step(Move.REINITIALISE, other.site, f"{other.site} ne reçoit plus rien de {holder.site}")
    if holder.site != nominal:
        return Step(Move.SWITCH, nominal, f"{holder.site} est actif, {nominal} doit l'être")
    if holder.role == WAITING:
        return Step(Move.SWITCH, nominal, f"{nominal} attend toujours sa confirmation")
    return Step(Move.DONE)


def settle_split_brain(nodes: tuple[Node, Node]) -> Step:
    """Two sites declared active: the later mandate keeps its data."""
    first, second = sorted(nodes, key=lambda node: node.mandate)
    if first.mandate == second.mandate:
        return Step(
            Move.PERSON,
            why=f"{first.site} et {second.site} sont actifs sous le même mandat ({first.mandate}) : "
            "une personne doit dire lequel garde ses données",
        )
    return Step(Move.REINITIALISE, first.site, f"deux sites actifs, {second.site} a le dernier mandat")
