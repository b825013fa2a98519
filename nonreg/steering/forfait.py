"""The forfait of support: days used of those of the contract year, what is left, and where the run-rate leads. Pure.

Source: R65, R70, DOMAIN §4.1, §4.5.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from nonreg.model.steering import CountedHours, Figure, Indicator, Line, Period, Series
from nonreg.model.tracker import TimeEntry
from nonreg.steering.periods import begin, find_contract_year, list_months, name_month
from nonreg.steering.settings import Forfait, fold
from nonreg.wording import decimal
from nonreg.working_time import PARIS

ROW = "Forfait support"
SOONEST = 30  # days of a contract year before a run-rate says anything


def measure_forfait(
    entries: Sequence[TimeEntry] | None, forfait: Forfait, end: datetime, source: str, missing: str = ""
) -> Indicator:
    """What the hours booked before an instant make of the forfait; « n.d. » with `missing` when nobody told them."""
    last = (end - timedelta(microseconds=1)).astimezone(PARIS)
    first_day, next_day = find_contract_year(forfait.since, last)
    period = Period(begin(first_day), end)
    units = (
        ("Jours du forfait", "j"),
        ("Utilisés", "j"),
        ("Restants", "j"),
        ("Part", "%"),
        ("Projection", "j"),
    )
    if entries is None:
        figures = [Figure(ROW, "Jours du forfait", forfait.days, "j")]
        figures += [Figure(ROW, column, None, unit, missing) for column, unit in units[1:]]
        return Indicator("forfait", "Forfait support", period, source, figures=tuple(figures))
    own = [one for one in entries if first_day <= one.day <= last.date() and counts(one, forfait)]
    used = sum(one.hours for one in own) / forfait.hours_a_day
    elapsed, whole = (last.date() - first_day).days + 1, (next_day - first_day).days
    projected = used * whole / elapsed if elapsed >= SOONEST else None
    percent = 100 * used / forfait.days
    values = (forfait.days, used, forfait.days - used, percent, projected)
    figures = [
        Figure(
            ROW,
            column,
            value,
            unit,
            "" if value is not None else f"moins de {SOONEST} jours écoulés",
            f"au {next_day - timedelta(days=1):%d/%m/%Y}" if column.startswith("Projection") else "",
        )
        for (column, unit), value in zip(units, values, strict=True)
    ]
    return Indicator(
        "forfait",
        "Forfait support",
        period,
        source,
        figures=tuple(figures),
        series=(draw_months(own, forfait, first_day, end),),
        warnings=tuple(warn(percent, projected, forfait)),
    )


def count_hours(entry: TimeEntry, forfait: Forfait) -> CountedHours:
    """Hours as the indicator sees them: nobody's name, no comment."""
    return CountedHours(entry.day, entry.ticket, entry.hours, entry.activity, counts(entry, forfait))


def counts(entry: TimeEntry, forfait: Forfait) -> bool:
    """True for hours that the forfait pays."""
    return not forfait.activities or fold(entry.activity) in {fold(one) for one in forfait.activities}


def warn(percent: float, projected: float | None, forfait: Forfait) -> list[str]:
    """What is to be told: the threshold is reached, or will be passed before the year ends."""
    found = []
    if percent >= forfait.alert_percent:
        found.append(
            f"Forfait support consommé à {decimal(percent, 0)} % (seuil {decimal(forfait.alert_percent, 0)} %)."
        )
    if projected is not None and projected > forfait.days:
        found.append(
            f"Au rythme actuel, le forfait support atteint {decimal(projected)} jours en fin d'année "
            f"pour {decimal(forfait.days)} prévus."
        )
    return found


def draw_months(own: Sequence[TimeEntry], forfait: Forfait, first_day: date, end: datetime) -> Series:
    """Days booked in each whole month of this contract year; nothing is said of months before it."""
    months = list_months(end)
    values = tuple(
        sum(one.hours for one in own if month.holds(begin(one.day))) / forfait.hours_a_day
        if month.start >= begin(first_day)
        else None
        for month in months
    )
    return Series("Jours consommés par mois", tuple(map(name_month, months)), (Line(ROW, values),))
