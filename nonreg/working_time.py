"""Working days and hours of France, on the clock of Paris: pure, for any instant that has a zone.

Monday to Friday without the national holidays (not those of Alsace-Moselle), between openings, closures apart.
No source states the office hours: 9-12 and 14-18 unless the platform file says otherwise. Source: R44, R59,
DOMAIN §4.3.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from functools import cache
from itertools import pairwise
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

PARIS = ZoneInfo("Europe/Paris")
SATURDAY, SUNDAY = 5, 6
STRICT = {"extra": "forbid"}


@dataclass(frozen=True, slots=True)
class Opening:
    """One part of a working day, in local time: `opens` is in it, `closes` is not."""

    __pydantic_config__: ClassVar[Any] = STRICT
    opens: time
    closes: time


@dataclass(frozen=True, slots=True)
class Closure:
    """A day off of our own, by its name: « pont de l'Ascension »."""

    __pydantic_config__: ClassVar[Any] = STRICT
    day: date
    name: str


@dataclass(frozen=True, slots=True)
class WorkingTime:
    """When people work: openings of every working day, in order, and further days off."""

    __pydantic_config__: ClassVar[Any] = STRICT
    openings: tuple[Opening, ...] = (Opening(time(9), time(12)), Opening(time(14), time(18)))
    closures: tuple[Closure, ...] = ()


def find_problem(working: WorkingTime) -> str:
    """What makes it no working time at all, in French; empty when it is sound."""
    if not working.openings:
        return "il faut au moins une plage d'ouverture"
    moments = [moment for one in working.openings for moment in (one.opens, one.closes)]
    if any(
        moment.tzinfo or moment.second or moment.microsecond for moment in moments
    ):  # 9 is read as 00:00:09Z
        return "les heures s'écrivent 09:00:00, à la minute et sans fuseau"
    if any(later <= earlier for earlier, later in pairwise(moments)):
        return "les plages d'ouverture se suivent, chacune s'ouvre avant de se fermer"
    return ""


def is_working(instant: datetime, working: WorkingTime) -> bool:
    """True inside an opening of a working day."""
    return not explain_closed(instant, working)


def explain_closed(instant: datetime, working: WorkingTime) -> str:
    """Why nobody works then, in a few French words; empty when people do. ValueError for an instant without a zone."""
    if instant.utcoffset() is None:
        raise ValueError("an instant needs a zone")
    local = instant.astimezone(PARIS)
    return explain_day_off(local.date(), working) or _explain_hour(local.time(), working)


def explain_day_off(day: date, working: WorkingTime) -> str:
    """Why it is no working day, in a few French words; empty when it is one."""
    if day.weekday() in (SATURDAY, SUNDAY):
        return "samedi" if day.weekday() == SATURDAY else "dimanche"
    holiday = _list_holidays(day.year).get(day)
    if holiday:
        return f"jour férié : {holiday}"
    closure = next((one for one in working.closures if one.day == day), None)
    return f"fermeture : {closure.name}" if closure else ""


@cache
def _list_holidays(year: int) -> dict[date, str]:
    from holidays import country_holidays  # slow to import, and few ask

    return dict(
        country_holidays("FR", years=year, language="fr")
    )  # without a language, that of whoever runs it


def _explain_hour(moment: time, working: WorkingTime) -> str:
    closed_since: time | None = None
    for opening in working.openings:
        if moment < opening.opens:
            if closed_since is None:
                return f"avant {_write_hour(opening.opens)}"
            return f"entre {_write_hour(closed_since)} et {_write_hour(opening.opens)}"
        if moment < opening.closes:
            return ""
        closed_since = opening.closes
    return f"après {_write_hour(closed_since)}" if closed_since else ""


def _write_hour(moment: time) -> str:
    return f"{moment.hour}\u00a0h" + (f"\u00a0{moment.minute:02d}" if moment.minute else "")
