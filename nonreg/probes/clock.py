"""Clock drift of a node against ours: what it said, between the instants of asking and of hearing."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from nonreg.errors import RequestFailed

SAMPLES = 3
SECONDS = re.compile(r"\d{1,12}\.\d{1,9}", re.ASCII)


@dataclass(frozen=True, slots=True)
class ClockSample:
    """One question: our clock before, the node's, the time until its answer; all in seconds."""

    asked_at: float
    node_at: float
    round_trip: float

    @property
    def drift(self) -> float:
        """Seconds by which the node is ahead; half the round trip has passed when it looks at its clock."""
        return self.node_at - (self.asked_at + self.round_trip / 2)


def parse_clock(text: str) -> float:
    """Seconds since 1970 from `date -u +%s.%N`; RequestFailed when it is not that."""
    if not SECONDS.fullmatch(text.strip()):
        raise RequestFailed(f"Heure illisible : {text.strip()[:60]!r}.")
    return float(Decimal(text.strip()))


def take_sample(ask: Callable[[], float]) -> ClockSample:
    """Ask once. The round trip is taken on the monotonic clock."""
    asked_at, started = datetime.now(UTC).timestamp(), time.monotonic()
    node_at = ask()
    return ClockSample(asked_at, node_at, time.monotonic() - started)


def estimate_drift(samples: Iterable[ClockSample]) -> ClockSample:
    """The sample with the shortest round trip: its error is at most half of it."""
    return min(samples, key=lambda sample: sample.round_trip)
