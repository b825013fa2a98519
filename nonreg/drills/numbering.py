"""Which write is which: numbers of the direct writers' beats, times and values of the stations' measures. Pure.

A direct writer of number w beats w × 10⁹ + 1, w × 10⁹ + 2…; the n-th measure of a station is n steps of five minutes
after its first moment, 80 days ago, with a value derived from n. So what the database holds says whose write it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from nonreg.bench import TestStation
from nonreg.drills.accounting import Write
from nonreg.probes.frames import Reading
from nonreg.simulator import STEP, last_step

SPAN = 10**9  # more beats than any drill sends
DEPTH = timedelta(days=80)  # less than collection and retention take
QUANTITY = "H"
LEAST_MM, VALUES = (
    500,
    97,
)  # the level climbs by 1 mm a step and falls back at once: no gradient that is refused


def name_direct_writer(number: int) -> str:
    """Name of a direct writer among the clients; it counts from 1."""
    return f"direct-{number}"


def first_beat(number: int) -> int:
    """The number before a direct writer's first beat."""
    return number * SPAN


def identify_beat(sequence: int) -> Write | None:
    """Whose write a beat is; None when no direct writer's: other scenarios beat too."""
    return (name_direct_writer(sequence // SPAN), sequence) if sequence > SPAN else None


@dataclass(frozen=True, slots=True)
class PlacedStation:
    """A test station and the client that it is; `first` is naive UTC, of a measure that is not sent.

    `capacity`: how many measures it can send before it reaches the present.
    """

    client: str
    code: str
    first: datetime
    capacity: int = DEPTH // STEP

    def make_reading(self, sequence: int) -> Reading:
        """Its measure of one number."""
        return Reading(QUANTITY, self.first + sequence * STEP, expected_value(sequence))

    def identify(self, at: datetime, value: Decimal | None) -> Write:
        """Whose write a stored measure is; one that no number gives is a write that nobody sent."""
        sequence, rest = divmod(at - self.first, STEP)
        if rest:
            return f"{self.client} (mesure de {at.isoformat()})", sequence
        if value != expected_value(sequence):
            return f"{self.client} (valeur {'absente' if value is None else f'{value:f}'})", sequence
        return self.client, sequence


def expected_value(sequence: int) -> Decimal:
    """Value (mm) of a station's measure."""
    return Decimal(LEAST_MM + sequence % VALUES)


def place_stations(stations: Iterable[TestStation], now: datetime) -> tuple[PlacedStation, ...]:
    """Stations as clients of a drill that begins now (UTC)."""
    first = last_step(now) - DEPTH
    return tuple(
        PlacedStation(f"station-{number}", station.code, first)
        for number, station in enumerate(stations, start=1)
    )
