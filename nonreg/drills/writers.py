"""Clients that write: straight into the active database, and as stations through the frontals.

Neither ever hides a doubt: a write is acknowledged when its answer says so, refused when it certainly had no effect,
unknown otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from nonreg.clients.line import Line
from nonreg.clients.web import Answer
from nonreg.config import Secret
from nonreg.drills.client import NOT_ACTIVE, RETURN_SECONDS, Clock, DrillClient, NodeClient, Result, WebTarget
from nonreg.drills.history import Attempt
from nonreg.drills.numbering import PlacedStation, first_beat, name_direct_writer
from nonreg.drills.targets import Targets
from nonreg.errors import NonregError, NotSent, PlatformError, RequestFailed, Unreachable
from nonreg.model.drill import WriteOutcome
from nonreg.probes.frames import build_frame, parse_reply
from nonreg.simulator import PATH, XML

ACK, ERR, UNKNOWN = WriteOutcome.ACK, WriteOutcome.ERR, WriteOutcome.UNKNOWN


class DirectWriter(NodeClient):
    """Beats on the active node, each beat committed; no beat is tried twice."""

    def __init__(
        self,
        number: int,
        lines: Sequence[Line],
        campaign_id: str,
        clock: Clock,
        period_seconds: float,
        record: Callable[[Attempt], None],
    ) -> None:
        name, title = name_direct_writer(number), f"Écriture directe en base, n° {number}"
        super().__init__(name, title, lines, clock, period_seconds, record, first_beat(number))
        self._campaign_id = campaign_id

    def ask(self, line: Line, sequence: int) -> Result:
        try:
            session = line.session()
            beaten = session.query("drill_beat", campaign_id=self._campaign_id, sequence=sequence).rows
        except Unreachable as error:  # before COMMIT was sent: whatever was done is undone
            line.drop()
            return ERR, str(error)
        except PlatformError as error:
            line.undo()
            return ERR, str(error)
        if not beaten:
            line.undo()
            return ERR, NOT_ACTIVE
        try:
            session.commit()
        except PlatformError as error:
            line.drop()
            return (ERR if isinstance(error, RequestFailed) else UNKNOWN), str(error)
        return ACK, ""


class StationWriter(DrillClient):
    """A station that pushes a measure a frame to its primary frontal, and to the other one when that fails.

    It stays with the frontal that took the frame and tries the primary one again every second. A frame that was refused
    for what it is (4xx) is not tried elsewhere.
    """

    def __init__(
        self,
        station: PlacedStation,
        frontals: Sequence[WebTarget],
        secret: Secret,
        clock: Clock,
        period_seconds: float,
        record: Callable[[Attempt], None],
    ) -> None:
        title = f"Station d'essai {station.code}, par les frontaux"
        super().__init__(station.client, title, clock, period_seconds, record)
        self._station, self._secret, self._sequence = station, secret, 0
        self._refused = False
        self._frontals, self._targets = frontals, Targets(frontals, clock.now, RETURN_SECONDS)

    def take_turn(self) -> bool:
        if self._sequence >= self._station.capacity:
            raise NonregError(f"La station {self._station.code} n'a plus d'heure passée à envoyer.")
        self._sequence += 1
        frame = build_frame(self._station.code, [self._station.make_reading(self._sequence)])
        for frontal in self._targets.order():
            done = self.attempt(self._sequence, frontal.site_code, partial(self._push, frontal, frame))
            if done.outcome is ACK:
                self._targets.worked(frontal)
            if done.outcome is ACK or self._refused:
                break
            self._targets.failed(frontal, done.ended_seconds - done.sent_seconds)
        return False

    def close(self) -> None:
        for frontal in self._frontals:
            frontal.web.close()

    def _push(self, frontal: WebTarget, frame: bytes) -> Result:
        self._refused = False
        try:
            answer = frontal.web.post(PATH, frame, XML, (self._station.code, self._secret.reveal()))
        except PlatformError as error:
            return (ERR if isinstance(error, NotSent) else UNKNOWN), str(error)
        outcome, detail = judge_answer(answer)
        self._refused = outcome is ERR
        return outcome, detail


def judge_answer(answer: Answer) -> Result:
    """What a frontal's answer says of the frame: taken, refused for what it is, or nothing sure."""
    reply = parse_reply(answer.body)
    if answer.status == 200 and reply.accepted:
        return ACK, ""
    return (ERR if 400 <= answer.status < 500 else UNKNOWN), f"HTTP {answer.status} {reply.code}".strip()
