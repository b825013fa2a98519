"""The technical alarms that the three supervision modules share, so that any of them can go on speaking. Pure.

Every module holds the whole list, sends it with its heartbeats and merges what it receives: nothing is ever undone by a
merge, so the list survives whoever made it. Only the module that speaks opens, closes and tells; an alarm is told a
moment after it was put in the list, when the others have it too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from nonreg.sandbox.services.alarm_conditions import Verdict

SHARED = timedelta(seconds=0.6)  # more than the period of the heartbeats
KEPT = timedelta(seconds=60)  # after its end, for those who have not heard of it
OPENING, CLOSING = "OUVERTURE", "FERMETURE"


@dataclass(frozen=True, slots=True)
class Alarm:
    """One technical alarm; `told` and `journaled` count what was done of its opening (1) and of its closing (2)."""

    label: str
    opened: datetime
    closed: datetime | None = None
    told: int = 0
    journaled: int = 0

    @property
    def stages(self) -> int:
        """How many things there are to tell: the opening, and the closing when there is one."""
        return 1 if self.closed is None else 2

    @property
    def key(self) -> tuple[str, datetime]:
        """What makes it this alarm and not the next one of the same label."""
        return self.label, self.opened


@dataclass(frozen=True, slots=True)
class Call:
    """One text to send, of an alarm's opening (stage 1) or closing (2); the sink takes a call of the same key once."""

    alarm: Alarm
    stage: int
    text: str
    key: str


Alarms = tuple[Alarm, ...]


def merge(mine: Alarms, theirs: Alarms) -> Alarms:
    """Both lists in one, oldest first; of two open alarms of one label the older one stays."""
    found: dict[tuple[str, datetime], Alarm] = {}
    for alarm in (*mine, *theirs):
        known = found.get(alarm.key)
        found[alarm.key] = alarm if known is None else _join(known, alarm)
    still_open: dict[str, Alarm] = {}
    for alarm in _sort(found.values()):
        if alarm.closed is None:
            first = still_open.setdefault(alarm.label, alarm)
            if first is not alarm:
                del found[alarm.key]
                joined = replace(
                    first,
                    told=max(first.told, alarm.told),
                    journaled=max(first.journaled, alarm.journaled),
                )
                found[first.key] = still_open[alarm.label] = joined
    return _sort(found.values())


def _join(one: Alarm, other: Alarm) -> Alarm:
    ends = [end for end in (one.closed, other.closed) if end is not None]
    return replace(
        one,
        closed=min(ends, default=None),
        told=max(one.told, other.told),
        journaled=max(one.journaled, other.journaled),
    )


def _sort(alarms: Iterable[Alarm]) -> Alarms:
    return tuple(sorted(alarms, key=lambda alarm: (alarm.opened, alarm.label)))


def update(alarms: Alarms, verdicts: Mapping[str, Verdict], due: Iterable[str], now: datetime) -> Alarms:
    """Close what no longer holds, and open the labels that are due: those whose condition has lasted long enough."""
    closed = tuple(
        replace(alarm, closed=now)
        if alarm.closed is None and not verdicts.get(alarm.label, Verdict(True)).holds
        else alarm
        for alarm in alarms
    )
    still_open = {alarm.label for alarm in closed if alarm.closed is None}
    return _sort((*closed, *(Alarm(label, now) for label in set(due) - still_open)))


def list_open(alarms: Alarms) -> Alarms:
    """Those that are open."""
    return tuple(alarm for alarm in alarms if alarm.closed is None)


def list_calls(alarms: Alarms, now: datetime) -> list[Call]:
    """What is to be told now, in the order in which it happened."""
    calls = []
    for alarm in alarms:
        for stage, word, since in ((1, OPENING, alarm.opened), (2, CLOSING, alarm.closed)):
            if stage > alarm.told and since is not None and now - since >= SHARED:
                text = f"{word} {alarm.label}"
                key = f"{text} {_write_time(alarm.opened)}"
                calls.append((since, alarm.label, stage, Call(alarm, stage, text, key)))
    return [call for *_, call in sorted(calls, key=lambda one: one[:3])]


def mark_told(call: Call, alarms: Alarms) -> Alarms:
    """The list after a call was taken."""
    return _change(alarms, call.alarm, lambda alarm: replace(alarm, told=max(alarm.told, call.stage)))


def mark_journaled(alarm: Alarm, alarms: Alarms) -> Alarms:
    """The list after an alarm was journaled as far as it is known here."""
    return _change(alarms, alarm, lambda one: replace(one, journaled=max(one.journaled, alarm.stages)))


def _change(alarms: Alarms, alarm: Alarm, change: Callable[[Alarm], Alarm]) -> Alarms:
    return tuple(change(one) if one.key == alarm.key else one for one in alarms)


def forget(alarms: Alarms, now: datetime) -> Alarms:
    """Without those that ended a while ago and of which everything was told and journaled."""
    return tuple(
        alarm
        for alarm in alarms
        if alarm.closed is None or min(alarm.told, alarm.journaled) < 2 or now - alarm.closed < KEPT
    )


def write_alarms(alarms: Alarms) -> tuple[dict[str, Any], ...]:
    """As heartbeats carry them."""
    return tuple(
        {
            "libelle": alarm.label,
            "ouverte_utc": _write_time(alarm.opened),
            "fermee_utc": None if alarm.closed is None else _write_time(alarm.closed),
            "dits": alarm.told,
            "journalises": alarm.journaled,
        }
        for alarm in alarms
    )


def read_alarms(data: Iterable[Mapping[str, Any]]) -> Alarms:
    """Those of a heartbeat; ValueError when they are none."""
    try:
        return tuple(
            Alarm(
                str(one["libelle"]),
                datetime.fromisoformat(one["ouverte_utc"]),
                None if one["fermee_utc"] is None else datetime.fromisoformat(one["fermee_utc"]),
                int(one["dits"]),
                int(one["journalises"]),
            )
            for one in data
        )
    except (KeyError, TypeError) as error:
        raise ValueError("alarme illisible") from error


def _write_time(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds")
