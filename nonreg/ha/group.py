"""The group of database nodes judged as a whole, from what each node says of itself. Pure.

A node is judged by the role that it has: a passive node without publisher agents is as it must be. A node that does not
answer, or not on its replication, makes the group unknown, never sound.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from nonreg.model import SiteRole
from nonreg.probes.nodes import Node


class Health(StrEnum):
    """State of the group, worst last."""

    SOUND = "sain"
    UNKNOWN = "inconnu"
    BROKEN = "rompu"


@dataclass(frozen=True, slots=True)
class GroupHealth:
    """The group's state and what is wrong, in French, worst first."""

    health: Health
    problems: tuple[str, ...] = ()


def find_active(nodes: Iterable[Node]) -> tuple[Node, ...]:
    """The nodes that say that they are active."""
    return tuple(node for node in nodes if node.role == SiteRole.ACTIF)


def is_split_brain(nodes: Iterable[Node]) -> bool:
    """True when more than one node says that it is active."""
    return len(find_active(nodes)) > 1


def judge_group(nodes: tuple[Node, ...], nominal_site: str) -> GroupHealth:
    """The group as it must be when the nominal site is active and the others receive from it."""
    broken = [*find_wrong_roles(nodes, nominal_site)]
    unknown = [
        node.unknown or f"la base de {node.site} ne répond pas" for node in nodes if not is_known(node)
    ]
    if (
        not unknown and not broken
    ):  # while something is unknown or a role is wrong, what streams means nothing
        broken += find_broken_replication(nodes)
    health = Health.BROKEN if broken else Health.UNKNOWN if unknown else Health.SOUND
    return GroupHealth(health, (*broken, *unknown))


def is_known(node: Node) -> bool:
    """True when a node said its role and what streams to and from it."""
    return bool(node.role) and not node.unknown


def find_wrong_roles(nodes: tuple[Node, ...], nominal_site: str) -> list[str]:
    """Roles and mandates of the nodes that answer, against those that they must have."""
    heard = [node for node in nodes if node.role]
    problems = []
    if is_split_brain(heard):
        names = ", ".join(node.site for node in find_active(heard))
        problems.append(f"plusieurs sites se disent actifs : {names}")
    for node in heard:
        expected = SiteRole.ACTIF if node.site == nominal_site else SiteRole.PASSIF
        if node.role != expected:
            problems.append(f"{node.site} est {node.role}, {expected} attendu")
    mandates = dict.fromkeys(node.mandate for node in heard)
    if len(mandates) > 1:
        problems.append(f"mandats différents : {' et '.join(str(one) for one in mandates)}")
    return problems


def find_broken_replication(nodes: tuple[Node, ...]) -> list[str]:
    """What does not stream from the active node to each other one, or streams where it must not."""
    (active,) = find_active(nodes)
    passive = [node for node in nodes if node is not active]
    problems = [
        f"la réplication de {active.site} vers {node.site} ne passe pas"
        for node in passive
        if node.subscriptions != 1
    ]
    if not problems and active.subscribers != len(passive):
        problems.append(f"{active.site} alimente {active.subscribers} abonné(s), {len(passive)} attendu(s)")
    problems += [
        f"une réplication de {node.site} vers {active.site} est restée"
        for node in passive
        if node.subscribers or active.subscriptions
    ]
    return problems
