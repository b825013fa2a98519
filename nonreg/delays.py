"""Delays in working time: pure, on the calendar of `working_time`; every deadline of the tool is computed here.

« 48h ouvrées » is defined nowhere, so it is read in two ways, and both are shown: reading A, two working days (the
same clock time two working days later), is the stricter for the titulaire and the default; reading B is 48 office
hours. The day of the event does not count; what begins outside office time begins at the next opening.
Source: R19, R28, R44, DOMAIN §4.3.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from nonreg.working_time import PARIS, WorkingTime, explain_day_off

HOURS_A_DAY = 24  # « 48h » read as days
MOST_DAYS_OFF = 366  # in a row: then the calendar is wrong


class Reading(StrEnum):
    """How hours « ouvrées » are counted."""

    JOURS = "jours ouvrés"
    HEURES = "heures d'ouverture"


@dataclass(frozen=True, slots=True)
class Interval:
    """From an instant (in it) to another (not in it), both with a zone."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Deadlines:
    """The same delay in both readings; `kept` is the reading that binds."""

    by_days: datetime
    by_hours: datetime
    kept: Reading = Reading.JOURS

    @property
    def binding(self) -> datetime:
        """The deadline that is watched."""
        return self.by_days if self.kept is Reading.JOURS else self.by_hours


def list_windows(day: date, working: WorkingTime) -> list[Interval]:
    """When people work that day, in order; nothing on a day off."""
    if explain_day_off(day, working):
        return []
    return [
        Interval(
            datetime.combine(day, one.opens, PARIS),
            datetime.combine(day, one.closes, PARIS),
        )
        for one in working.openings
    ]


def iter_windows(start: datetime, working: WorkingTime) -> Iterator[Interval]:
    """Every window from an instant on, the first one cut at it; ValueError for a calendar that never opens."""
    day, idle = start.astimezone(PARIS).date(), 0
    while idle <= MOST_DAYS_OFF:
        windows = [one for one in list_windows(day, working) if one.end > start]
        for one in windows:
            yield Interval(max(one.start, start), one.end)
        idle = 0 if windows else idle + 1
        day += timedelta(days=1)
    raise ValueError("the calendar never opens")


def find_opening(instant: datetime, working: WorkingTime) -> datetime:
    """The instant itself when people work then, otherwise the next opening; on the clock of Paris."""
    return next(iter_windows(instant, working)).start.astimezone(PARIS)


def add_working_days(instant: datetime, days: int, working: WorkingTime) -> datetime:
    """The same clock time, that many working days later."""
    start = find_opening(instant, working)
    return datetime.combine(add_working_dates(start.date(), days, working), start.time(), PARIS)


def add_working_dates(day: date, days: int, working: WorkingTime) -> date:
    """The day that many working days later; the day itself does not count."""
    idle = 0
    while days > 0:
        day += timedelta(days=1)
        idle = idle + 1 if explain_day_off(day, working) else 0
        days -= idle == 0
        if idle > MOST_DAYS_OFF:
            raise ValueError("the calendar never opens")
    return day


def add_working_time(instant: datetime, duration: timedelta, working: WorkingTime) -> datetime:
    """When that much office time will have passed; a closing time rather than the opening after it."""
    for window in iter_windows(instant, working):
        length = window.end - window.start
        if duration <= length:
            return (window.start + duration).astimezone(PARIS)
        duration -= length
    raise AssertionError("windows have no end")


def measure_working_time(start: datetime, end: datetime, working: WorkingTime) -> timedelta:
    """Office time between two instants; nothing when the second is not later."""
    total = timedelta()
    for window in iter_windows(start, working):
        if window.start >= end:
            break
        total += min(window.end, end) - window.start
    return total


def find_deadlines(
    start: datetime,
    hours: int,
    working: WorkingTime,
    suspended: Iterable[Interval] = (),
    kept: Reading = Reading.JOURS,
) -> Deadlines:
    """Both deadlines of so many hours « ouvrées », put back by the office time of the suspensions.

    Suspensions do not overlap. What is not a whole number of days of 24 h is only read in hours: 4h is 4 office hours.
    """
    by_hours = add_working_time(start, timedelta(hours=hours), working)
    by_days = add_working_days(start, hours // HOURS_A_DAY, working) if hours % HOURS_A_DAY == 0 else by_hours
    for pause in sorted(suspended, key=lambda one: one.start):
        lost = measure_working_time(max(pause.start, start), pause.end, working)
        if lost and pause.start < by_days:
            by_days = add_working_time(by_days, lost, working)
        if lost and pause.start < by_hours:
            by_hours = add_working_time(by_hours, lost, working)
    return Deadlines(by_days, by_hours, kept)
