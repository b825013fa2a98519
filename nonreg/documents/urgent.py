"""Delays of an urgent intervention (A.3): begun within one working day of the alert; office time between stamps. Pure.

Begun means that the diagnosis was really started and a first feedback given: the stamp « diagnostic ». Source: DOMAIN
§4.2 (S1 §6.2).
"""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise

from nonreg.delays import add_working_days, measure_working_time
from nonreg.model.documents import Lap, Moment, UrgentDelays, UrgentReport
from nonreg.working_time import WorkingTime

ORDER = ("alert", "taken", "diagnosed", "restored", "closed")
CALL = "Appel téléphonique"
NAMES = ("Alerte", "Prise en charge", "Diagnostic", "Rétabli", "Clôture")


def read_urgent_delays(report: UrgentReport, working: WorkingTime, at: datetime) -> UrgentDelays:
    """How the delay stands at that moment, and the office time of each stage, from the alert too."""
    stamps = {name: as_moment(getattr(report, name).at) for name in ORDER}
    alert, reached = stamps["alert"], stamps["diagnosed"]
    if reached is not None and reached > at:  # foreseen, or mistyped: nothing was reached
        reached = None
    due = add_working_days(alert, 1, working) if alert else None
    laps = [
        measure(f"{NAMES[0]} → {NAMES[place]}", alert, stamps[ORDER[place]], working) for place in range(1, 5)
    ]
    laps += [
        measure(
            f"{NAMES[place]} → {NAMES[place + 1]}", stamps[ORDER[place]], stamps[ORDER[place + 1]], working
        )
        for place in range(1, 4)
    ]
    known = [(title, moment) for title, moment in zip(NAMES, stamps.values(), strict=True) if moment]
    called = as_moment(report.phone_call.at)
    future = tuple(
        f"« {name} » est dans l'avenir."
        for name, moment in (*known, *([(CALL, called)] if called else []))
        if moment > at
    )
    disorder = future + tuple(
        f"« {later} » est avant « {earlier} »."
        for (earlier, first), (later, second) in pairwise(known)
        if second < first
    )
    return UrgentDelays(due, reached, due is not None and (reached or at) > due, tuple(laps), disorder)


def measure(title: str, start: datetime | None, end: datetime | None, working: WorkingTime) -> Lap:
    """Office time between two stamps."""
    if start is None or end is None or end < start:
        return Lap(title, None)
    return Lap(title, measure_working_time(start, end, working).total_seconds())


def as_moment(value: Moment) -> datetime | None:
    """The instant, None while nobody told it."""
    return value if isinstance(value, datetime) else None
