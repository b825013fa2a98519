"""What every high-availability technology answers, and which one a platform has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from nonreg.config import HaKind, Platform
from nonreg.errors import ConfigError
from nonreg.ha.group import GroupHealth
from nonreg.ha.replication import TransactionalReplicationDriver
from nonreg.probes.nodes import Node


@dataclass(frozen=True, slots=True)
class Placeholder:
    """Where a driver would go, and what it would read (DOMAIN §3.4)."""

    title: str
    reads: str


class HaDriver(Protocol):
    """One group of database nodes. Errors of the platform leave as PlatformError."""

    def peers(self) -> tuple[Node, ...]:
        """Every node as it sees itself, the nominal active one first."""

    def role(self, site: str) -> str:
        """The role that a site gives itself; empty when it does not answer."""

    def health(self) -> GroupHealth:
        """The group judged once: roles, and what streams; how far behind it is, `lag` says."""

    def is_split_brain(self) -> bool:
        """True when more than one node says that it is active."""

    def lag(self) -> dict[str, str]:
        """What each subscriber has still to receive, with its unit."""

    def quiesce(self, within_seconds: float) -> float:
        """Seconds until every subscriber has what is written now; NotCaughtUp when one does not in time."""

    def planned_switch_steps(self) -> tuple[str, ...]:
        """What an operator does, in order, in French."""


NOT_YET = {
    HaKind.AVAILABILITY_GROUP: Placeholder(
        "groupe de disponibilité",
        "sys.dm_hadr_database_replica_states, sys.dm_hadr_availability_replica_states",
    ),
    HaKind.MIRRORING: Placeholder("mise en miroir", "sys.database_mirroring"),
    HaKind.LOG_SHIPPING: Placeholder("envoi de journaux", "msdb.dbo.log_shipping_monitor_secondary"),
}


def choose_driver(platform: Platform) -> HaDriver:
    """The driver of a platform; ConfigError for a technology that has only its place."""
    missing = NOT_YET.get(platform.ha)
    if missing is not None:
        raise ConfigError(
            f"Haute disponibilité par {missing.title} : pas encore prise en charge (elle lirait {missing.reads})."
        )
    return TransactionalReplicationDriver(platform)
