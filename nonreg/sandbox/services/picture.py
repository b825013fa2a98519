"""What one supervision module knows of the three sites: its own, the heartbeats, and what these relay. Pure.

Ages are in seconds at the instant of the picture. A site that one module does not hear any more may be heard by
another: a report that was relayed counts, as old as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from nonreg.sandbox.services.mandates import ACTIVE, PASSIVE, WITNESS, Claim, Node

RANK = {ACTIVE: 0, PASSIVE: 1, WITNESS: 2}


@dataclass(frozen=True, slots=True)
class Report:
    """One site as its module says it is.

    `modules` are True when running, `hears` is the age of the last heartbeat of each site that it hears freshly.
    """

    role: str
    claim: Claim
    modules: Mapping[str, bool] = field(default_factory=dict)
    hears: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Heard:
    """Another site's last heartbeat: how old it is, its report, and the reports of the sites that it hears itself."""

    age: float
    report: Report
    relayed: Mapping[str, Report] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Picture:
    """One site's module's view; `heard` may hold heartbeats older than `fresh_seconds`."""

    site: str
    own: Report
    heard: Mapping[str, Heard]
    fresh_seconds: float

    def fresh(self) -> dict[str, Heard]:
        """The sites heard directly and freshly."""
        return {site: one for site, one in self.heard.items() if one.age <= self.fresh_seconds}

    def find_report(self, site: str) -> tuple[float, Report] | None:
        """The youngest report of a site with its age, None when there is no fresh one."""
        if site == self.site:
            return 0.0, self.own
        found = [(one.age, one.report) for name, one in self.fresh().items() if name == site]
        found += [
            (one.age + one.report.hears[site], one.relayed[site])
            for one in self.fresh().values()
            if site in one.report.hears and site in one.relayed
        ]
        return min(
            (age for age in found if age[0] <= self.fresh_seconds), key=lambda one: one[0], default=None
        )

    def age_of(self, site: str, observer: str) -> float | None:
        """How long ago a module heard a site, as far as is known here; None when it does not hear it freshly."""
        if observer == self.site:
            return self.heard[site].age if site in self.heard else None
        found = self.find_report(observer)
        return None if found is None or site not in found[1].hears else found[0] + found[1].hears[site]

    def last_heard(self, site: str) -> float | None:
        """How long ago anybody heard a site; 0 for the own one, None when nobody says."""
        if site == self.site:
            return 0.0
        ages = [self.age_of(site, observer) for observer in (self.site, *self.fresh()) if observer != site]
        return min((age for age in ages if age is not None), default=None)

    def is_alive(self, site: str) -> bool:
        """True when somebody hears the site."""
        age = self.last_heard(site)
        return age is not None and age <= self.fresh_seconds

    def alive(self) -> dict[str, Report]:
        """The last report of every site that somebody hears, the own one included."""
        known = {site: self.find_report(site) for site in (self.site, *self.heard, *self._relayed())}
        return {site: found[1] for site, found in known.items() if found is not None}

    def nodes(self) -> list[Node]:
        """The other sites that are alive, as they see themselves."""
        return [Node(site, one.role, one.claim) for site, one in self.alive().items() if site != self.site]

    def find_speaker(self) -> str:
        """The one site whose module speaks for all: the active one while it is alive, then the passive one."""
        roles = {site: report.role for site, report in self.alive().items()}
        return min(roles, key=lambda site: (RANK.get(roles[site], len(RANK)), site))

    def _relayed(self) -> set[str]:
        return {site for one in self.fresh().values() for site in one.relayed if site != self.site}
