"""Both database nodes as they see themselves: role, mandate, and what streams to and from them."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from nonreg.clients.sql import Session, open_session
from nonreg.config import Platform, Site
from nonreg.errors import AccessDenied, PlatformError, RequestFailed, Unreachable
from nonreg.model import SiteRole
from nonreg.probes.replication import RUNNING_STATES, DistributorElsewhere, require_distributor


@dataclass(frozen=True, slots=True)
class Node:
    """One database site as it sees itself; role empty when it cannot be read.

    `subscribers` are those that stream from it now, `subscriptions` its own ones that stream; `slots` and
    `declared` count them whether they stream or not. `unknown` says in French why something could not be read;
    with a role, it is its replication that was not.
    """

    site: str
    role: str
    mandate: int = 0
    subscribers: int = 0
    subscriptions: int = 0
    slots: int = 0
    declared: int = 0
    unknown: str = ""


def read_nodes(platform: Platform) -> tuple[Node, Node]:
    """The nominal active node, then the nominal passive one."""
    first, second = (platform.site(role) for role in (SiteRole.ACTIF, SiteRole.PASSIF))
    return read_node(platform, first), read_node(platform, second)


def require_known(nodes: tuple[Node, Node]) -> tuple[Node, Node]:
    """The nodes; RequestFailed when something of them is unknown: it may not be judged as a count of none."""
    if unknown := [node.unknown for node in nodes if node.unknown]:
        raise RequestFailed(f"La réplication ne se lit pas : {' ; '.join(unknown)}")
    return nodes


def read_node(platform: Platform, site: Site) -> Node:
    """One node; what it does not answer is unknown, never zero."""
    try:
        with open_session(platform, site) as session:
            _, role, mandate = session.query("drill_node").rows[0]
            try:
                return read_replication(session, Node(site.code, str(role), int(mandate)))
            except (AccessDenied, DistributorElsewhere) as error:
                return Node(site.code, str(role), int(mandate), unknown=str(error))
    except Unreachable:
        return Node(site.code, "", unknown=f"la base de {site.code} ne répond pas")
    except PlatformError as error:
        return Node(site.code, "", unknown=str(error))


def read_replication(session: Session, node: Node) -> Node:
    """The node with what streams from it and to it."""
    require_distributor(session)
    publishers = session.query("publisher_agents").rows
    subscriptions = session.query("subscriber_agents").rows
    declared = session.query("subscriptions").rows
    return dataclasses.replace(
        node,
        subscribers=count_running(publishers),
        subscriptions=count_running(subscriptions),
        slots=len(publishers),
        declared=len(declared),
    )


def count_running(rows: tuple[tuple[object, ...], ...]) -> int:
    """How many agents of (name, agent, state) run."""
    return sum(str(state) in RUNNING_STATES for _, _, state in rows)
