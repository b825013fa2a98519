"""What the clients of a drill have in common: a turn at a steady pace, every attempt timed and recorded."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from nonreg.clients.line import Line
from nonreg.clients.web import WebSession
from nonreg.drills.history import Attempt
from nonreg.drills.targets import Targets
from nonreg.errors import PlatformError
from nonreg.model.drill import WriteOutcome

DETAIL_CHARS = 200
RETURN_SECONDS = 1.0  # how often a client looks whether its first choice is back
NOT_ACTIVE = "ce site n'est pas l'actif"
Result = tuple[WriteOutcome, str]  # what became of an attempt, and why, in French


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a client waits: for a connection, and for an answer after it."""

    connect_seconds: float = 1.0
    request_seconds: float = 2.0


@dataclass(frozen=True, slots=True)
class Clock:
    """Seconds since the drill began; `origin` on the monotonic clock."""

    origin: float

    def now(self) -> float:
        """Seconds since the drill began."""
        return time.monotonic() - self.origin


class Watching(ABC):
    """Something that takes its turn again and again in a thread of its own."""

    def __init__(self, name: str, clock: Clock, period_seconds: float) -> None:
        self.name, self.clock, self.period_seconds = name, clock, period_seconds

    def prepare(self) -> None:  # noqa: B027 — most have nothing to prepare
        """What should not be counted in the first turn."""

    @abstractmethod
    def take_turn(self) -> bool:
        """Do it once; True to have the next turn at once."""

    @abstractmethod
    def close(self) -> None:
        """Let go of connections; after the last turn."""

    def run(self, stopping: threading.Event) -> None:
        """Take turns until told to stop, one a period; a turn that lasted longer is not made up for."""
        try:
            self.prepare()
            due = self.clock.now()
            while not stopping.is_set():
                at_once = self.take_turn()
                due = self.clock.now() if at_once else max(due + self.period_seconds, self.clock.now())
                stopping.wait(max(0.0, due - self.clock.now()))
        finally:
            self.close()


class DrillClient(Watching):
    """One client; `title` is French, as a report shows it."""

    def __init__(
        self,
        name: str,
        title: str,
        clock: Clock,
        period_seconds: float,
        record: Callable[[Attempt], None],
    ) -> None:
        super().__init__(name, clock, period_seconds)
        self.title, self._record = title, record

    def attempt(self, sequence: int, target: str, act: Callable[[], Result]) -> Attempt:
        """Try once, and record it."""
        sent = self.clock.now()
        outcome, detail = act()
        done = Attempt(self.name, sequence, target, sent, self.clock.now(), outcome, detail[:DETAIL_CHARS])
        self._record(done)
        return done


@dataclass(frozen=True, slots=True)
class WebTarget:
    """A service of one site, over HTTP."""

    site_code: str
    web: WebSession


class NodeClient(DrillClient):
    """A client of the active node, which it looks for by itself: after a failure it asks the other node at once."""

    def __init__(
        self,
        name: str,
        title: str,
        lines: Sequence[Line],
        clock: Clock,
        period_seconds: float,
        record: Callable[[Attempt], None],
        sequence: int = 0,
    ) -> None:
        super().__init__(name, title, clock, period_seconds, record)
        self._lines, self._targets = lines, Targets(lines, clock.now)
        self._sequence, self._failed = sequence, 0

    def prepare(self) -> None:
        for line in self._lines:
            with suppress(PlatformError):
                line.session()

    @abstractmethod
    def ask(self, line: Line, sequence: int) -> Result:
        """One request to one node."""

    def take_turn(self) -> bool:
        line = self._targets.order()[0]
        self._sequence += 1
        done = self.attempt(self._sequence, line.site_code, partial(self.ask, line, self._sequence))
        if done.outcome is WriteOutcome.ACK:
            self._targets.worked(line)
            self._failed = 0
            return False
        self._targets.failed(line, done.ended_seconds - done.sent_seconds)
        self._failed += 1
        every_node_failed = self._failed % len(self._lines) == 0
        return not every_node_failed and self._targets.order()[0] is not line

    def close(self) -> None:
        for line in self._lines:
            line.close()
