"""Weeks and months of Paris: what a pack looks back upon, and the months that a trend is drawn over. Pure."""

from __future__ import annotations

import calendar
from datetime import date, datetime, time, timedelta
from itertools import pairwise

from nonreg.model.steering import PackKind, Period
from nonreg.working_time import PARIS

MONTHS = ("janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc.")
TREND_MONTHS, TREND_WEEKS = 12, 12


def begin(day: date) -> datetime:
    """Midnight of a day in Paris."""
    return datetime.combine(day, time(), PARIS)


def move_months(day: date, months: int) -> date:
    """The same day so many months later, or the last of a shorter month."""
    count = day.year * 12 + day.month - 1 + months
    year, month = divmod(count, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def find_period(kind: PackKind, at: datetime, months: int = 1) -> Period:
    """The last whole week (Monday to Sunday), or the last whole months, before an instant."""
    today = at.astimezone(PARIS).date()
    if kind is PackKind.WEEKLY:
        end = today - timedelta(days=today.weekday())
        return Period(begin(end - timedelta(days=7)), begin(end))
    end = today.replace(day=1)
    return Period(begin(move_months(end, -months)), begin(end))


def list_months(end: datetime, count: int = TREND_MONTHS) -> tuple[Period, ...]:
    """The last whole months that end at an instant or before it, oldest first."""
    last = end.astimezone(PARIS).date().replace(day=1)
    edges = [begin(move_months(last, place - count)) for place in range(count + 1)]
    return tuple(Period(start, stop) for start, stop in pairwise(edges))


def list_weeks(end: datetime, count: int = TREND_WEEKS) -> tuple[Period, ...]:
    """So many weeks that follow each other and end with that day, oldest first."""
    day = end.astimezone(PARIS).date()
    edges = [begin(day - timedelta(days=7 * (count - place))) for place in range(count + 1)]
    return tuple(Period(start, stop) for start, stop in pairwise(edges))


def name_month(month: Period) -> str:
    """« nov. 26 »."""
    start = month.start.astimezone(PARIS)
    return f"{MONTHS[start.month - 1]} {start:%y}"


def name_day(at: datetime) -> str:
    """« 30/11 »."""
    return f"{at.astimezone(PARIS):%d/%m}"


def find_contract_year(since: date | None, at: datetime) -> tuple[date, date]:
    """The first day of the contract year that holds an instant, and that of the next; the civil year without any."""
    day = at.astimezone(PARIS).date()
    anchor = since or date(day.year, 1, 1)
    years = day.year - anchor.year
    while move_months(anchor, 12 * years) > day:
        years -= 1
    while move_months(anchor, 12 * (years + 1)) <= day:
        years += 1
    return move_months(anchor, 12 * years), move_months(anchor, 12 * (years + 1))
