"""What a drill's scenario asks of its clients: let them work, wait until they are served, say what they saw."""

from __future__ import annotations

from nonreg.drills.fleet import Fleet
from nonreg.model import WriteOutcome
from nonreg.waiting import observe_until

SETTLE_SECONDS = 2.0
FLOWING_SECONDS = 60.0
FIRST_SECONDS = 15.0


class Clients:
    """The clients of one drill at work."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self.rest_until_seconds: float | None = None

    def settle(self, seconds: float = SETTLE_SECONDS) -> None:
        """Let time pass with the clients at work; the first time, once every one of them was served.

        DeadlinePassed when one is never served.
        """
        if self.rest_until_seconds is None:
            self._fleet.wait_all_served(0.0, FIRST_SECONDS)
        until = self._fleet.now() + seconds
        observe_until(self._fleet.now, lambda now: now >= until, seconds)
        if self.rest_until_seconds is None:
            self.rest_until_seconds = self._fleet.now()

    def wait_flowing(self, within_seconds: float = FLOWING_SECONDS) -> None:
        """Return when every client has been served since now; DeadlinePassed otherwise."""
        self._fleet.wait_all_served(self._fleet.now(), within_seconds)

    def list_targets(self) -> tuple[str, ...]:
        """Sites whose frontal acknowledged the first station's frames, in order, each change once."""
        targets: list[str] = []
        for attempt in self._fleet.look().writes:
            is_first = attempt.client == "station-1" and attempt.outcome is WriteOutcome.ACK
            if is_first and targets[-1:] != [attempt.target]:
                targets.append(attempt.target)
        return tuple(targets)
