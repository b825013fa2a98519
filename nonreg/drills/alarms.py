"""The technical alarms that the faults of one drill must raise: waited for, and matched with what the sink was told."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from nonreg.clients.web import WebSession
from nonreg.config import Site
from nonreg.drills.moments import Injected
from nonreg.drills.observed import Observed, match_alarms
from nonreg.errors import DrillRefused
from nonreg.model import AlarmSeen, DrillEventKind
from nonreg.probes.supervision import parse_state
from nonreg.waiting import observe_until

CLOSING_SECONDS = 10.0


class ExpectedAlarms:
    """What each expected alarm is waited for since, and where it was shown before it was told.

    `look` gives what was seen so far, NonregError when somebody no longer looks; `now` the drill's clock; `note` keeps
    a moment of the drill. `cause` is the last fault that was injected.
    """

    def __init__(
        self,
        look: Callable[[], Observed],
        now: Callable[[], float],
        note: Callable[[DrillEventKind, str, str, float | None], float],
    ) -> None:
        self._look, self._now, self._note = look, now, note
        self._causes: dict[str, Injected] = {}
        self.cause: Injected | None = None
        self.shown: dict[str, float] = {}
        self.labels: tuple[str, ...] = ()

    def expect(self, label: str) -> None:
        """Say that the fault just injected must raise this alarm; DrillRefused before any fault."""
        if self.cause is None:
            raise DrillRefused(f"L'alarme « {label} » est attendue avant toute panne.")
        self.labels = (*self.labels, label)
        self._causes[label] = self.cause

    def wait_opened(self, label: str, within_seconds: float) -> float | None:
        """When an expected alarm's opening reached the sink since its fault; None when not in time."""
        return self._wait_told(label, within_seconds, opening=True)

    def wait_closed(self, label: str, within_seconds: float) -> float | None:
        """The same for its closing."""
        return self._wait_told(label, within_seconds, opening=False)

    def _wait_told(self, label: str, within_seconds: float, *, opening: bool) -> float | None:
        since = self._causes[label].began_seconds

        def look() -> float | None:
            told = (call for call in self._look().calls if call.label == label and call.opening is opening)
            return next((call.at_seconds for call in told if call.at_seconds > since), None)

        return observe_until(look, lambda at: at is not None, within_seconds)

    def wait_shown(self, label: str, site: Site, within_seconds: float) -> float | None:
        """Seconds from its fault until a site's supervision shows an expected alarm; None when not in time."""
        assert site.web.supervision is not None
        with WebSession(site.web.supervision, site.web.timeout_seconds) as web:
            shown = observe_until(lambda: label in parse_state(web.get("/etat")).alarms, bool, within_seconds)
        if not shown:
            return None
        at = self.shown[label] = self._now()
        self._note(DrillEventKind.ALARM, label, f"ouverte sur {site.code} : {label}", at)
        return max(0.0, at - self._causes[label].done_seconds)

    def settle(self, look: Callable[[], Observed]) -> tuple[AlarmSeen, ...]:
        """What was seen once each expected alarm came and was closed, or the time for it is over.

        `look` need not be complete. An alarm is looked for from the asking of its fault on, its delay counts from when
        the fault was there.
        """

        def match() -> tuple[AlarmSeen, ...]:
            since = {label: fault.began_seconds for label, fault in self._causes.items()}
            found = match_alarms(look().calls, self.labels, since)
            return tuple(self._measure_delay(one) for one in found)

        return observe_until(
            match,
            lambda alarms: all(
                one.opened_seconds is not None and one.closed_seconds is not None for one in alarms
            ),
            CLOSING_SECONDS,
            0.1,
        )

    def _measure_delay(self, alarm: AlarmSeen) -> AlarmSeen:
        """Its delay from when the fault was there to where it was first seen; as it is for one that was not due."""
        fault, at = self._causes.get(alarm.label), self.shown.get(alarm.label, alarm.opened_seconds)
        if fault is None or at is None or alarm.delay_seconds is None:
            return alarm
        return dataclasses.replace(alarm, delay_seconds=max(0.0, at - fault.done_seconds))
