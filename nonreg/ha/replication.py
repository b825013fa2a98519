"""Transactional replication: publisher, subscriber, an operator's switchover; the same named queries on each engine."""

from __future__ import annotations

from nonreg.clients.sql import open_session
from nonreg.config import Platform
from nonreg.ha.group import GroupHealth, is_split_brain, judge_group
from nonreg.model import SiteRole
from nonreg.probes.nodes import Node, read_nodes
from nonreg.probes.replication import read_backlog, wait_caught_up


class TransactionalReplicationDriver:
    """The nominal active and passive nodes of a platform."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def peers(self) -> tuple[Node, ...]:
        """Both nodes, the nominal active one first."""
        return read_nodes(self._platform)

    def role(self, site: str) -> str:
        """The role that a site gives itself; empty when it does not answer."""
        return next((node.role for node in self.peers() if node.site == site), "")

    def health(self) -> GroupHealth:
        """The group judged once: roles, and what streams."""
        return judge_group(self.peers(), self._platform.site(SiteRole.ACTIF).code)

    def is_split_brain(self) -> bool:
        """True when both nodes say that they are active."""
        return is_split_brain(self.peers())

    def lag(self) -> dict[str, str]:
        """What each subscriber has still to receive, with its unit."""
        with open_session(self._platform, self._platform.site(SiteRole.ACTIF)) as session:
            _, found = read_backlog(session)
        return {name: f"{backlog.pending} {backlog.unit}" for name, backlog in found.items()}

    def quiesce(self, within_seconds: float) -> float:
        """Seconds until the subscribers have what is written now. Writers must have been stopped before."""
        with open_session(self._platform, self._platform.site(SiteRole.ACTIF)) as session:
            return wait_caught_up(session, within_seconds)

    def planned_switch_steps(self) -> tuple[str, ...]:
        """What an operator does with the switchover tool (DOMAIN §2.4, HD-021)."""
        old, new = (self._platform.site(role).code for role in (SiteRole.ACTIF, SiteRole.PASSIF))
        return (
            f"Vérifier que {old} est actif, {new} passif, et que la réplication est à jour",
            f"Arrêter les écritures sur {old} : collecte, affinage, échange",
            f"Attendre que {new} ait tout reçu",
            f"Basculer vers {new} avec le gestionnaire de bascule",
            *self._list_right_steps(old, new),
            f"Vérifier les rôles inversés, la réplication vers {new} retirée et celle vers {old} établie",
            f"Vérifier la collecte, l'export, les alarmes et le client léger sur {new}",
        )

    def _list_right_steps(self, old: str, new: str) -> tuple[str, ...]:
        """SQL Server makes the tables of replication again, without the rights that were given on them."""
        database = self._platform.site(SiteRole.ACTIF).database
        if database is None or database.engine != "mssql":
            return ()
        return (f"Exécuter de nouveau le script des droits sur {old} et {new}",)
