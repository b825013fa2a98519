"""A test station as the platform sees it: it pushes frames to a frontal over HTTP."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from nonreg.clients.web import Answer, WebSession
from nonreg.config import Platform, Secret, Site
from nonreg.errors import ConfigError
from nonreg.probes.frames import Reading, build_frame

PATH = "/lns"
XML = "application/xml"
STEP = timedelta(minutes=5)


class StationSimulator:
    """Pushes to the frontal of one site, under any station's code; for one thread."""

    def __init__(self, platform: Platform, site: Site) -> None:
        if site.web.frontal is None:
            raise ConfigError(f"Le site {site.code} n'a pas d'adresse de frontal.")
        self._secret = platform.secret(site.web.station_password_env)
        self._web = WebSession(site.web.frontal, site.web.timeout_seconds)

    def __enter__(self) -> StationSimulator:
        return self

    def __exit__(self, *_: object) -> None:
        self._web.__exit__()

    def push(self, station: str, readings: Iterable[Reading]) -> Answer:
        """Send one well-formed frame of a station."""
        return self.push_bytes(station, build_frame(station, readings))

    def push_bytes(
        self, user: str, body: bytes, content_type: str = XML, secret: Secret | None = None
    ) -> Answer:
        """Send these bytes under a user's name; `secret` replaces the stations' own."""
        return self._web.post(PATH, body, content_type, (user, (secret or self._secret).reveal()))

    def push_anonymously(self, body: bytes) -> Answer:
        """Send these bytes without any credentials."""
        return self._web.post(PATH, body, XML)


def last_step(now: datetime) -> datetime:
    """The latest five-minute step that is not after `now` (UTC), without zone, as stations write it."""
    naive = now.replace(tzinfo=None, second=0, microsecond=0)
    return naive - timedelta(minutes=naive.minute % 5)
