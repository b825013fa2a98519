"""Replication latency: tagged heartbeats written on the active node, looked for on the passive one."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

POLL_SECONDS = 0.01


@dataclass(frozen=True, slots=True)
class Beats:
    """When each heartbeat was committed and seen, in seconds of one monotonic clock."""

    committed: dict[int, float]
    seen: dict[int, float]

    @property
    def lost(self) -> tuple[int, ...]:
        """Heartbeats that were not seen in time."""
        return tuple(sorted(self.committed.keys() - self.seen.keys()))

    @property
    def latencies(self) -> tuple[float, ...]:
        """Seconds from commit to sight of each heartbeat that was seen, shortest first."""
        return tuple(sorted(max(0.0, self.seen[seq] - self.committed[seq]) for seq in self.seen))


def exchange_beats(
    write: Callable[[int], None],
    read: Callable[[], Collection[int]],
    numbers: Sequence[int],
    every_seconds: float,
    within_seconds: float,
) -> Beats:
    """Write each number at a steady pace while looking for all of them; ends `within_seconds` after the last."""
    beats = Beats({}, {})
    waiting = list(numbers)
    began = time.monotonic()
    deadline = math.inf
    while time.monotonic() < deadline and len(beats.seen) < len(numbers):
        due = began + len(beats.committed) * every_seconds
        if waiting and time.monotonic() >= due:
            number = waiting.pop(0)
            write(number)
            beats.committed[number] = time.monotonic()
            if not waiting:
                deadline = time.monotonic() + within_seconds
        present = set(read())
        now = time.monotonic()
        for number in present & (beats.committed.keys() - beats.seen.keys()):
            beats.seen[number] = now
        time.sleep(POLL_SECONDS)
    return beats


def percentile(values: Sequence[float], percent: float) -> float:
    """Smallest value that at least `percent` of the values do not exceed (nearest rank)."""
    if not values:
        raise ValueError("no value to take a percentile of")
    ranked = sorted(values)
    return ranked[max(0, math.ceil(percent / 100 * len(ranked)) - 1)]
