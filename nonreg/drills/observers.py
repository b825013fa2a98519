"""What watches a drill without writing: each node's own word on its role, and the calls that reach the alarm sink."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from nonreg.clients.line import Line
from nonreg.clients.web import WebSession
from nonreg.drills.client import Clock, Watching
from nonreg.errors import PlatformError
from nonreg.probes.alarm_sink import AlarmCall, read_calls

OPENING, CLOSING = "OUVERTURE ", "FERMETURE "
COMMON = "TURE "  # of both words: one request finds them all


@dataclass(frozen=True, slots=True)
class RoleSeen:
    """What a node said of itself from that moment on; an empty role: it no longer answered."""

    at_seconds: float
    site: str
    role: str
    mandate: int = 0


@dataclass(frozen=True, slots=True)
class CallSeen:
    """A call that opens or closes an alarm, when it was first seen; the recipient's address is not for showing."""

    at_seconds: float
    opening: bool
    label: str
    recipient: str


class RoleWatcher(Watching):
    """Asks one node for its role and mandate; records the first answer and every change."""

    def __init__(
        self, line: Line, clock: Clock, period_seconds: float, record: Callable[[RoleSeen], None]
    ) -> None:
        super().__init__(f"rôle de {line.site_code}", clock, period_seconds)
        self._line, self._record = line, record
        self._last: tuple[str, int] | None = None

    def take_turn(self) -> bool:
        try:
            _, role, mandate = self._line.session().query("drill_node").rows[0]
            said = str(role), int(mandate)
        except PlatformError:
            self._line.drop()
            said = "", 0
        if said != self._last:
            self._record(RoleSeen(self.clock.now(), self._line.site_code, *said))
        self._last = said
        return False

    def close(self) -> None:
        self._line.close()


class AlarmWatcher(Watching):
    """Looks at the sink's calls; those that were there before it began are not its drill's."""

    def __init__(
        self, sink: WebSession, clock: Clock, period_seconds: float, record: Callable[[CallSeen], None]
    ) -> None:
        super().__init__("alarmes", clock, period_seconds)
        self._sink, self._record = sink, record
        self._before: int | None = None
        self._last: dict[tuple[str, str], bool] = {}

    def take_turn(self) -> bool:
        try:
            _, calls = read_calls(self._sink, COMMON)
        except PlatformError:
            return False
        now = self.clock.now()
        for call in calls[len(calls) if self._before is None else self._before :]:
            self._see(now, call)
        self._before = len(calls)
        return False

    def close(self) -> None:
        self._sink.close()

    def _see(self, now: float, call: AlarmCall) -> None:
        word = next((word for word in (OPENING, CLOSING) if call.text.startswith(word)), None)
        if word is None:
            return
        opening, label = word == OPENING, call.text.removeprefix(word)
        if self._last.get((label, call.recipient)) != opening:  # else it is told again
            self._record(CallSeen(now, opening, label, call.recipient))
        self._last[label, call.recipient] = opening
