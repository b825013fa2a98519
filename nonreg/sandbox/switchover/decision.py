"""What `--vers TARGET` means for what both sites say; pure.

Invariant: a site becomes active only when it holds everything that was acknowledged, and never beside another one.
What counts is what each site says of itself; what it says of the other may be a killed tool's half-done work.
"""

from __future__ import annotations

from enum import Enum
from typing import NoReturn

from nonreg.sandbox.switchover.nodes import ACTIVE, Node, SwitchoverRefused
from nonreg.sandbox.switchover.replication import subscription_of


class Way(Enum):
    """How the target becomes, or stays, the active site."""

    DECLARE = "the target is active already, and not everybody knows it"
    SWITCH = "the source's data goes to the target first; also when this was begun and killed"
    RESUME = "nobody is active, and the target feeds the source already"
    REBUILD = "nobody is active, and nothing streams between the sites"


def decide_switch(source: Node, target: Node) -> Way:
    """The way for a target that takes over from, or goes on before, the source; SwitchoverRefused for none."""
    if source.role == target.role == ACTIVE:
        older = min(source, target, key=lambda node: node.mandate)
        loser = "SITE" if source.mandate == target.mandate else older.site
        refuse(
            f"{source.site} et {target.site} se disent actifs ; « bascule --reinitialiser {loser} » rend passif "
            "celui dont les données sont abandonnées"
        )
    if target.role == ACTIVE:
        if not (feeds(target, source) and is_complete(source)):
            refuse(
                f"{target.site} est déjà actif, mais {source.site} ne le suit plus ; "
                f"« bascule --reinitialiser {source.site} » le remet en place"
            )
        if target.state == ACTIVE and agree(source, target) and is_enabled(source):
            refuse(f"{target.site} est déjà actif")
        return Way.DECLARE
    if feeds(source, target):
        if not is_complete(target):
            refuse(f"la copie de {source.site} vers {target.site} n'est pas complète")
        return Way.SWITCH
    if source.role == ACTIVE:
        refuse(
            f"{target.site} ne reçoit plus rien de {source.site} ; "
            f"« bascule --reinitialiser {target.site} » le remet en place"
        )
    return Way.RESUME if feeds(target, source) else Way.REBUILD


def was_last_active(node: Node, other: Node) -> bool:
    """True when, of two passive sites, this one had the role last: the other still takes it for the active one."""
    if other.roles[node.site] != node.roles[other.site]:
        return other.roles[node.site] == ACTIVE
    return node.mandate > other.mandate


def feeds(publisher: Node, subscriber: Node) -> bool:
    """True when the subscriber's subscription has its place on the publisher: nothing is lost while it waits there."""
    subscription = subscriber.replication.subscription
    return (
        subscription is not None
        and subscription.slot == subscription_of(subscriber.site)
        and subscription.slot in publisher.replication.slots
        and publisher.replication.publishes
    )


def agree(one: Node, other: Node) -> bool:
    """True when both sites see the same roles under the same mandate."""
    return one.roles == other.roles and one.mandate == other.mandate


def is_enabled(subscriber: Node) -> bool:
    """True when the subscription streams, or tries to."""
    subscription = subscriber.replication.subscription
    return subscription is not None and subscription.enabled


def is_complete(subscriber: Node) -> bool:
    """True when every article was copied."""
    subscription = subscriber.replication.subscription
    return subscription is not None and subscription.is_complete


def check_reinitialisation(node: Node, active: Node) -> None:
    """SwitchoverRefused unless the other site is the active one, under no older mandate than an active `node`."""
    if active.role != ACTIVE:
        refuse(f"{active.site} n'est pas actif", "Réinitialisation")
    if node.role == ACTIVE and node.mandate > active.mandate:
        refuse(
            f"{node.site} est actif sous un mandat plus récent ({node.mandate}) que {active.site} ({active.mandate})",
            "Réinitialisation",
        )


def check_takeover(target: Node) -> None:
    """SwitchoverRefused when the target is active already, or was being filled when the other site was lost."""
    if target.state == ACTIVE:
        refuse(f"{target.site} est déjà actif")
    if target.replication.subscription is not None and not target.replication.subscription.is_complete:
        refuse(f"{target.site} n'a qu'une copie incomplète des données")


def refuse(reason: str, subject: str = "Bascule") -> NoReturn:
    """Raise SwitchoverRefused with one sentence."""
    raise SwitchoverRefused(f"{subject} refusée : {reason}.")
