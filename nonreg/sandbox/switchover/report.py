"""`--etat`: what each site says of roles and replication, one line a site."""

from __future__ import annotations

from collections.abc import Callable

import psycopg

from nonreg.sandbox.layout import DATABASE_SITES, Layout
from nonreg.sandbox.switchover.nodes import WAITING, Node, SwitchoverRefused, connect, other_site, read_node
from nonreg.sandbox.switchover.replication import Replication, Subscription, subscription_of


def show_state(layout: Layout, write: Callable[[str], object]) -> None:
    """One line a site; it may be asked while a switchover is going on."""
    for site in DATABASE_SITES:
        try:
            with connect(layout, site, application="bascule-etat") as connection:
                write(describe(read_node(connection, site)))
        except (SwitchoverRefused, psycopg.Error):
            write(f"{site} : ne répond pas")


def describe(node: Node) -> str:
    """`SITE-A : SITE-A ACTIF, SITE-B PASSIF… ; mandat 3 ; réplication vers SITE-B en flux`."""
    roles = ", ".join(f"{code} {role}" for code, role in node.roles.items())
    waiting = " (en attente de confirmation)" if node.state == WAITING else ""
    streams = describe_replication(node.site, node.replication)
    return f"{node.site} : {roles} ; mandat {node.mandate}{waiting} ; {streams}"


def describe_replication(site: str, replication: Replication) -> str:
    """What a site gives and takes."""
    other = other_site(site)
    said = []
    used = replication.slots.get(subscription_of(other))
    if replication.publishes and used is not None:
        said.append(f"réplication vers {other} {'en flux' if used else 'interrompue'}")
    elif replication.publishes:
        said.append("publication sans abonné")
    elif used is not None:
        said.append(f"emplacement de {other} resté sans publication")
    if replication.subscription is not None:
        said.append(f"réplication depuis {other} {describe_subscription(replication.subscription)}")
    return ", ".join(said) or "aucune réplication"


def describe_subscription(subscription: Subscription) -> str:
    """In one or a few words."""
    if not subscription.enabled:
        return "suspendue"
    if not subscription.is_complete:
        return f"en cours de copie ({subscription.copied} articles sur {subscription.articles})"
    return "en flux" if subscription.streaming else "interrompue"
