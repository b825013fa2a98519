"""The clients and observers of a drill, started and stopped together, each in a thread with its own connections.

    with open_fleet(platform, campaign_id, folder, origin, stations=stations) as fleet:
        fleet.wait_acknowledged(0.0, 5.0)
        ...                                   # break something
    observed = fleet.stop()

Files of `folder`: `writes.jsonl` and `reads.jsonl`, one attempt a line (nonreg.drills.history), and `seen.jsonl`, what
nodes said of their role and the calls of the alarm sink.
"""

from __future__ import annotations

import dataclasses
import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from nonreg.bench import TestStation
from nonreg.config import Platform
from nonreg.drills.client import Clock, Patience, Watching
from nonreg.drills.crew import DEFAULT_PATIENCE, PERIOD_SECONDS, Crew, FleetPlan
from nonreg.drills.history import Attempt, Journal, encode_attempt
from nonreg.drills.numbering import place_stations
from nonreg.drills.observed import ClientProfile, Observed
from nonreg.drills.observers import CallSeen, RoleSeen
from nonreg.model.drill import WriteOutcome
from nonreg.waiting import DeadlinePassed, observe_until, wait_until

WRITES, READS, SEEN = "writes.jsonl", "reads.jsonl", "seen.jsonl"
JOIN_MARGIN_SECONDS = 5.0


class Fleet:
    """Clients at work, from now on."""

    def __init__(self, platform: Platform, plan: FleetPlan, folder: Path, clock: Clock) -> None:
        self.stations, self._clock = plan.stations, clock
        self._writes: Journal[Attempt] = Journal(folder / WRITES, encode_attempt)
        self._reads: Journal[Attempt] = Journal(folder / READS, encode_attempt)
        self._seen: Journal[RoleSeen | CallSeen] = Journal(folder / SEEN, encode_seen)
        self._journals = (self._writes, self._reads, self._seen)
        self._problems: list[str] = []
        self._stopping = threading.Event()
        crew = Crew(platform, plan, clock)
        writers = crew.writers(self._writes.put)
        readers = crew.readers(self._reads.put) if plan.readers else []
        self.clients = tuple(
            ClientProfile(one.name, one.title, group is writers)
            for group in (writers, readers)
            for one in group
        )
        self._longest_turn_seconds = 4 * (plan.patience.connect_seconds + plan.patience.request_seconds)
        self._threads = [
            threading.Thread(target=self._run, args=(one,), name=one.name, daemon=True)
            for one in (*writers, *readers, *(crew.observers(self._seen.put) if plan.observers else ()))
        ]
        folder.mkdir(parents=True, exist_ok=True)
        for journal in self._journals:
            journal.start()
        for thread in self._threads:
            thread.start()

    def now(self) -> float:
        """Seconds since the drill began."""
        return self._clock.now()

    def wait_acknowledged(self, after_seconds: float, within_seconds: float, client: str = "") -> float:
        """When the first acknowledged write sent after that moment was sent, by any writer or by one.

        DeadlinePassed when there is none in time.
        """
        passed = 0

        def look() -> Attempt | None:
            nonlocal passed
            for attempt in self._writes.items[passed:]:
                passed += 1
                good = attempt.outcome is WriteOutcome.ACK and attempt.sent_seconds > after_seconds
                if good and client in ("", attempt.client):
                    return attempt
            return None

        found = wait_until(look, within_seconds, "une écriture acquittée")
        assert found is not None
        return found.sent_seconds

    def wait_all_served(self, after_seconds: float, within_seconds: float) -> None:
        """Return when every client had a good answer to something sent after that moment; DeadlinePassed otherwise."""
        missing = {one.name for one in self.clients}
        passed = dict.fromkeys((self._writes, self._reads), 0)

        def served() -> bool:
            for journal in passed:
                new = journal.items[passed[journal] :]
                passed[journal] += len(new)
                good = (one for one in new if one.outcome is WriteOutcome.ACK)
                missing.difference_update(one.client for one in good if one.sent_seconds > after_seconds)
            return not missing

        if not observe_until(served, bool, within_seconds):
            titles = ", ".join(one.title for one in self.clients if one.name in missing)
            raise DeadlinePassed(f"{titles} : pas servi en {within_seconds:g} s")

    def look(self) -> Observed:
        """What was seen so far."""
        seen = tuple(self._seen.items)
        return Observed(
            clients=self.clients,
            writes=tuple(self._writes.items),
            reads=tuple(self._reads.items),
            roles=tuple(one for one in seen if isinstance(one, RoleSeen)),
            calls=tuple(one for one in seen if isinstance(one, CallSeen)),
            problems=(*self._problems, *(problem for one in self._journals for problem in one.problems)),
        )

    def stop(self) -> Observed:
        """Stop all, let what is under way end, complete the files; the same answer when asked again."""
        self._stopping.set()
        deadline = self.now() + self._longest_turn_seconds + JOIN_MARGIN_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, deadline - self.now()))
            if thread.is_alive():
                self._problems.append(f"{thread.name} ne s'arrête pas : des tentatives peuvent manquer")
        self._threads.clear()
        for journal in self._journals:
            journal.close()
        return self.look()

    def _run(self, watching: Watching) -> None:
        try:
            watching.run(self._stopping)
        except Exception as error:  # whatever it is, the drill must know that nobody was watching any more
            self._problems.append(f"{watching.name} s'est arrêté : {error or type(error).__name__}")


@contextmanager
def open_fleet(
    platform: Platform,
    campaign_id: str,
    folder: Path,
    origin: float,
    *,
    stations: Sequence[TestStation] = (),
    direct_writers: int = 1,
    readers: bool = True,
    period_seconds: float = PERIOD_SECONDS,
    patience: Patience = DEFAULT_PATIENCE,
    observers: bool = True,
) -> Iterator[Fleet]:
    """Clients at work inside the block, stopped at its end; `origin` is the drill's beginning, `time.monotonic()`.

    Stations are test stations that the caller committed, and removes. At `period_seconds` of 20 ms a station has past
    moments for seven minutes and a half of measures.
    """
    placed = place_stations(stations, datetime.now(UTC))
    plan = FleetPlan(campaign_id, placed, direct_writers, readers, period_seconds, patience, observers)
    fleet = Fleet(platform, plan, folder, Clock(origin))
    try:
        yield fleet
    finally:
        fleet.stop()


@contextmanager
def open_watch(platform: Platform, folder: Path, origin: float) -> Iterator[Fleet]:
    """The observers alone: roles and alarms, from before the clients until after them."""
    with open_fleet(platform, "", folder, origin, direct_writers=0, readers=False) as fleet:
        yield fleet


def encode_seen(seen: RoleSeen | CallSeen) -> str:
    """One line of what was seen, with what kind of thing it is."""
    kind = "role" if isinstance(seen, RoleSeen) else "appel"
    return json.dumps({"kind": kind, **dataclasses.asdict(seen)}, ensure_ascii=False)
