"""The writing side of scenarios: test stations, frames and settings through the bench procedures (schema nr)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from nonreg.clients.sql import Rows, Session, open_session
from nonreg.config import Platform, Site


@dataclass(frozen=True, slots=True)
class TestStation:
    """A station made for a test: its code and its sensors for H (mm), Q (l/s) and RR (mm)."""

    __test__ = False
    code: str
    level: int
    discharge: int
    rain: int


class Bench:
    """Writes test data of one campaign on one session; times are naive UTC unless a station says otherwise."""

    def __init__(self, session: Session, campaign_id: str) -> None:
        self.session = session
        self.campaign_id = campaign_id

    def create_station(
        self, step_minutes: int = 5, transform: bool = True, time_zone: str | None = None
    ) -> TestStation:
        """A new tagged station; `time_zone` makes it send local time."""
        row = self.session.query(
            "bench_create_station",
            campaign_id=self.campaign_id,
            step_minutes=step_minutes,
            transform=transform,
            local=time_zone is not None,
            time_zone=time_zone or "UTC",
        ).rows[0]
        return TestStation(row[0].strip(), *row[1:])

    def send(
        self,
        station: TestStation,
        kind: str,
        values: Iterable[tuple[datetime, float | None]],
        source: str = "IP",
    ) -> None:
        """Put raw values in the buffer, duplicates included."""
        for at, value in values:
            self.session.query(
                "bench_send",
                station=station.code,
                kind=kind,
                at=at.replace(tzinfo=None),
                value=value,
                source=source,
            )

    def refine(self, now: datetime) -> Rows:
        """Run refinement as if it were `now` (UTC)."""
        return self.session.query("bench_refine", now=now.replace(tzinfo=None))

    def store(self, sensor: int, values: Iterable[tuple[datetime, float | None]]) -> None:
        """Put refined values straight in production; None is a missing value."""
        for at, value in values:
            self.session.query(
                "bench_store",
                campaign_id=self.campaign_id,
                sensor=sensor,
                at=at.replace(tzinfo=None),
                value=value,
                state="MANQUANTE" if value is None else "OK",
            )

    def measures(self, sensor: int) -> Rows:
        """Production rows of a sensor: time (UTC), value, state."""
        return self.session.query("bench_measures", sensor=sensor)

    def reasons(self, sensor: int) -> Rows:
        """Buffer rows of a sensor: label, value, reason of rejection or NULL."""
        return self.session.query("bench_reasons", sensor=sensor)

    def create_threshold(
        self,
        sensor: int,
        kind: str,
        rank: int,
        opening: int,
        closing: int,
        falling: bool = False,
        enabled: bool = True,
        transmissible: bool = False,
    ) -> None:
        """A threshold of a test sensor, its levels in the sensor's unit."""
        self.call(
            "bench_create_threshold",
            sensor=sensor,
            kind=kind,
            direction="BAISSE" if falling else "HAUSSE",
            rank=rank,
            opening=Decimal(opening),
            closing=Decimal(closing),
            enabled=enabled,
            transmissible=transmissible,
        )

    def call(self, name: str, **parameters: object) -> Rows:
        """Any other bench query, with the campaign's id."""
        return self.session.query(name, campaign_id=self.campaign_id, **parameters)


@contextmanager
def open_bench(platform: Platform, site: Site, campaign_id: str) -> Iterator[Bench]:
    """A bench whose writes the scenario commits; everything tagged is removed at the end, whatever happened."""
    try:
        with open_session(platform, site, "writer") as session:
            yield Bench(session, campaign_id)
    finally:
        clean(platform, site, campaign_id)


def clean(platform: Platform, site: Site, campaign_id: str) -> Rows:
    """Remove all test data of a campaign; returns what was removed, by kind."""
    with open_session(platform, site, "writer") as session:
        removed = session.query("bench_clean", campaign_id=campaign_id)
        session.commit()
        return removed
