"""Both database nodes as they see themselves: role, mandate, and what streams to and from them."""

from __future__ import annotations

from dataclasses import dataclass

from nonreg.clients.sql import open_session
from nonreg.config import Platform, Site
from nonreg.errors import PlatformError
from nonreg.model import SiteRole
from nonreg.probes.replication import RUNNING_STATES


@dataclass(frozen=True, slots=True)
class Node:
    """One database site as it sees itself; role empty when it does not answer.

    `subscribers` are those that stream from it now, `subscriptions` its own ones that stream; `slots` and
    `declared` count them whether they stream or not.
    """

    site: str
    role: str
    mandate: int = 0
    subscribers: int = 0
    subscriptions: int = 0
    slots: int = 0
    declared: int = 0


def read_nodes(platform: Platform) -> tuple[Node, Node]:
    """The nominal active node, then the nominal passive one."""
    first, second = (platform.site(role) for role in (SiteRole.ACTIF, SiteRole.PASSIF))
    return read_node(platform, first), read_node(platform, second)


def read_node(platform: Platform, site: Site) -> Node:
    """One node; an empty role when it does not answer."""
    try:
        with open_session(platform, site) as session:
            _, role, mandate = session.query("drill_node").rows[0]
            publishers = session.query("publisher_agents").rows
            subscriptions = session.query("subscriber_agents").rows
            declared = session.query("subscriptions").rows
    except PlatformError:
        return Node(site.code, "")
    running = count_running(publishers), count_running(subscriptions)
    return Node(site.code, str(role), int(mandate), *running, len(publishers), len(declared))


def count_running(rows: tuple[tuple[object, ...], ...]) -> int:
    """How many agents of (name, agent, state) run."""
    return sum(str(state) in RUNNING_STATES for _, _, state in rows)
