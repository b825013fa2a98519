"""Who takes part in a drill: makes its clients and observers, each with connections of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from nonreg.clients.line import Line
from nonreg.clients.web import WebSession
from nonreg.config import Platform, Site
from nonreg.drills.client import Clock, DrillClient, Patience, Watching, WebTarget
from nonreg.drills.history import Attempt
from nonreg.drills.numbering import PlacedStation
from nonreg.drills.observers import AlarmWatcher, CallSeen, RoleSeen, RoleWatcher
from nonreg.drills.readers import PageReader, Reader
from nonreg.drills.writers import DirectWriter, StationWriter
from nonreg.model import SiteRole

PERIOD_SECONDS = 0.02
READ_SECONDS, PAGE_SECONDS, ROLE_SECONDS, ALARM_SECONDS = 0.1, 0.25, 0.02, 0.1
DEFAULT_PATIENCE = Patience()


@dataclass(frozen=True, slots=True)
class FleetPlan:
    """Who takes part: how many direct writers, which stations, readers and observers or not, how often each tries."""

    campaign_id: str
    stations: tuple[PlacedStation, ...]
    direct_writers: int = 1
    readers: bool = True
    period_seconds: float = PERIOD_SECONDS
    patience: Patience = DEFAULT_PATIENCE
    observers: bool = True


class Crew:
    """Makes them; the nominal active site comes first in everything."""

    def __init__(self, platform: Platform, plan: FleetPlan, clock: Clock) -> None:
        self._platform, self._plan, self._clock = platform, plan, clock
        self._databases = [platform.site(role) for role in (SiteRole.ACTIF, SiteRole.PASSIF)]

    def writers(self, record: Callable[[Attempt], None]) -> list[DrillClient]:
        """The direct writers, then the stations."""
        plan = self._plan
        direct = [
            DirectWriter(
                number, self._lines("writer"), plan.campaign_id, self._clock, plan.period_seconds, record
            )
            for number in range(1, plan.direct_writers + 1)
        ]
        stations = [
            StationWriter(
                station,
                self._web_targets("frontal"),
                self._platform.secret(self._databases[0].web.station_password_env),
                self._clock,
                plan.period_seconds,
                record,
            )
            for station in plan.stations
        ]
        return [*direct, *stations]

    def readers(self, record: Callable[[Attempt], None]) -> list[DrillClient]:
        """The database's reader, and the light client's user where there is a light client."""
        clients: list[DrillClient] = [
            Reader(self._lines("reader", autocommit=True), self._clock, READ_SECONDS, record)
        ]
        pages, web = self._web_targets("client"), self._databases[0].web
        if pages:
            secret = self._platform.secret(web.client_password_env)
            clients.append(
                PageReader(pages, web.client_user or "", secret, self._clock, PAGE_SECONDS, record)
            )
        return clients

    def observers(self, record: Callable[[RoleSeen | CallSeen], None]) -> list[Watching]:
        """One for each node's role, one for each alarm sink."""
        roles = [
            RoleWatcher(line, self._clock, ROLE_SECONDS, record)
            for line in self._lines("reader", autocommit=True)
        ]
        sinks = [self._open_web(site.web.puits) for site in self._platform.sites if site.web.puits]
        return [*roles, *(AlarmWatcher(sink, self._clock, ALARM_SECONDS, record) for sink in sinks)]

    def _lines(self, account: str, *, autocommit: bool = False) -> list[Line]:
        patience = self._plan.patience
        return [
            Line(
                self._platform,
                site,
                account,
                patience.connect_seconds,
                patience.request_seconds,
                autocommit=autocommit,
            )
            for site in self._databases
        ]

    def _web_targets(self, service: str) -> list[WebTarget]:
        urls: list[tuple[Site, str | None]] = [(site, getattr(site.web, service)) for site in self._databases]
        return [WebTarget(site.code, self._open_web(url)) for site, url in urls if url is not None]

    def _open_web(self, url: str) -> WebSession:
        return WebSession(url, self._plan.patience.request_seconds, self._plan.patience.connect_seconds)
