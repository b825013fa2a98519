"""What a drill's scenario asks of its clients: let them work, wait until they are served, say what they saw."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from itertools import groupby

from nonreg.drills.fleet import Fleet
from nonreg.model import WriteOutcome
from nonreg.waiting import observe_until, wait_until

SETTLE_SECONDS = 2.0
FLOWING_SECONDS = 60.0
FIRST_SECONDS = 15.0
WRITING_SECONDS = 120.0  # what takes ten seconds on a quiet machine


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

    def settle_writes(self, least: int, within_seconds: float = WRITING_SECONDS) -> None:
        """Let them work until the direct writers together, and the stations together, had that many acknowledged.

        DeadlinePassed when they had not. A loss of one row in n is sure to be met by n writes in a row.
        """
        counts: Counter[str] = Counter()
        passed = 0

        def reached() -> bool:
            nonlocal passed
            new = self._fleet.look().writes[passed:]
            passed += len(new)
            counts.update(kind_of(one.client) for one in new if one.outcome is WriteOutcome.ACK)
            return all(counts[kind] >= least for kind in kinds)

        kinds = {kind_of(one.name) for one in self._fleet.clients if one.writes}
        self.settle(0.0)
        wait_until(reached, within_seconds, f"{least} écritures acquittées de chaque sorte", 0.1)
        self.rest_until_seconds = self._fleet.now()

    def wait_flowing(self, within_seconds: float = FLOWING_SECONDS) -> None:
        """Return when every client has been served since now; DeadlinePassed otherwise."""
        self._fleet.wait_all_served(self._fleet.now(), within_seconds)

    def list_targets(self) -> dict[str, tuple[str, ...]]:
        """Each station's code and the sites whose frontal acknowledged its frames, in order, each change once."""
        good = [one for one in self._fleet.look().writes if one.outcome is WriteOutcome.ACK]
        return {
            station.code: tuple(
                site for site, _ in groupby(one.target for one in good if one.client == station.client)
            )
            for station in self._fleet.stations
        }

    def find_signers(self, after_seconds: float) -> dict[tuple[str, datetime], str]:
        """(station, time of the measure) → site whose frontal took it, of what was sent after that moment.

        Without those that another frontal may have taken too, its answer being lost.
        """
        placed = {station.client: station for station in self._fleet.stations}
        taken: dict[tuple[str, datetime], str] = {}
        doubtful = set()
        for attempt in self._fleet.look().writes:
            station = placed.get(attempt.client)
            if station is None or attempt.sent_seconds <= after_seconds:
                continue
            key = station.code, station.make_reading(attempt.sequence).at
            if attempt.outcome is WriteOutcome.ACK:
                taken[key] = attempt.target
            elif attempt.outcome is WriteOutcome.UNKNOWN:
                doubtful.add(key)
        return {key: site for key, site in taken.items() if key not in doubtful}


def kind_of(client: str) -> str:
    """What sort of client one is: `direct` of `direct-1`."""
    return client.partition("-")[0]
