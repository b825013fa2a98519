"""Delays in working time, in both readings."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonreg.delays import (
    Interval,
    Reading,
    add_working_dates,
    add_working_days,
    add_working_time,
    find_deadlines,
    find_opening,
    measure_working_time,
)
from nonreg.working_time import PARIS, Closure, Opening, WorkingTime, is_working

OFFICE = WorkingTime()


def paris(text: str) -> datetime:
    return datetime.strptime(text, "%d/%m/%Y %H:%M").replace(tzinfo=PARIS)


@pytest.mark.parametrize(
    ("start", "by_days", "by_hours"),
    [
        ("30/04/2026 16:00", "05/05/2026 16:00", "13/05/2026 15:00"),
        ("07/05/2026 17:30", "12/05/2026 17:30", "20/05/2026 16:30"),
        ("13/05/2026 10:00", "18/05/2026 10:00", "22/05/2026 18:00"),
        ("24/12/2026 15:00", "29/12/2026 15:00", "06/01/2027 12:00"),
    ],
)
def test_the_worked_values_of_48_hours_in_both_readings(start: str, by_days: str, by_hours: str) -> None:
    found = find_deadlines(paris(start), 48, OFFICE)
    assert (found.by_days, found.by_hours) == (paris(by_days), paris(by_hours))
    assert found.binding == paris(by_days)
    assert find_deadlines(paris(start), 48, OFFICE, kept=Reading.HEURES).binding == paris(by_hours)


@pytest.mark.parametrize(
    ("day", "later"),
    [("30/04/2026", "11/05/2026"), ("07/05/2026", "18/05/2026"), ("23/12/2026", "31/12/2026")],
)
def test_five_working_days_after_a_meeting(day: str, later: str) -> None:
    assert add_working_dates(paris(f"{day} 16:00").date(), 5, OFFICE) == paris(f"{later} 16:00").date()


@pytest.mark.parametrize("closed", ["06/04/2026", "29/03/2027", "17/04/2028"])
def test_easter_monday_is_no_working_day_whatever_the_year(closed: str) -> None:
    assert find_opening(paris(f"{closed} 10:00"), OFFICE) == paris(f"{closed} 09:00") + timedelta(days=1)


@pytest.mark.parametrize("worked", ["03/04/2026", "26/12/2025"])
def test_the_holidays_of_alsace_moselle_are_working_days_elsewhere(worked: str) -> None:
    assert find_opening(paris(f"{worked} 10:00"), OFFICE) == paris(f"{worked} 10:00")


@pytest.mark.parametrize(
    ("start", "opening"),
    [
        ("30/11/2026 08:00", "30/11/2026 09:00"),
        ("30/11/2026 12:00", "30/11/2026 14:00"),
        ("30/11/2026 18:00", "01/12/2026 09:00"),
        ("04/12/2026 19:00", "07/12/2026 09:00"),
    ],
)
def test_what_begins_outside_office_time_begins_at_the_next_opening(start: str, opening: str) -> None:
    assert find_opening(paris(start), OFFICE) == paris(opening)
    assert find_deadlines(paris(start), 48, OFFICE) == find_deadlines(paris(opening), 48, OFFICE)


def test_a_day_over_a_change_of_the_clock_keeps_its_clock_time() -> None:
    assert add_working_days(paris("26/03/2027 10:00"), 1, OFFICE) == paris("30/03/2027 10:00")
    found = add_working_days(paris("23/10/2026 10:00"), 1, OFFICE)
    assert (found, found.utcoffset()) == (paris("26/10/2026 10:00"), timedelta(hours=1))


def test_office_hours_count_the_same_over_a_change_of_the_clock() -> None:
    night = WorkingTime((Opening(time(0), time(23, 59)),))
    assert measure_working_time(paris("27/03/2026 00:00"), paris("31/03/2026 00:00"), night) == timedelta(
        hours=48, minutes=-2
    )


def test_a_closure_of_our_own_puts_the_deadline_back() -> None:
    bridged = WorkingTime(closures=(Closure(date(2026, 5, 15), "pont"),))
    assert find_deadlines(paris("13/05/2026 10:00"), 48, bridged).by_days == paris("19/05/2026 10:00")


def test_a_suspension_puts_both_deadlines_back_by_its_office_time() -> None:
    start = paris("30/11/2026 10:00")
    pause = Interval(paris("30/11/2026 17:00"), paris("01/12/2026 10:00"))  # an hour, then another
    found = find_deadlines(start, 48, OFFICE, [pause])
    assert found.by_days == paris("02/12/2026 12:00")
    plain = find_deadlines(start, 48, OFFICE)
    assert measure_working_time(plain.by_hours, found.by_hours, OFFICE) == timedelta(hours=2)


def test_a_suspension_at_night_changes_nothing() -> None:
    start = paris("30/11/2026 10:00")
    night = Interval(paris("30/11/2026 18:00"), paris("01/12/2026 09:00"))
    assert find_deadlines(start, 48, OFFICE, [night]) == find_deadlines(start, 48, OFFICE)


def test_less_than_a_day_is_read_in_hours_only() -> None:
    found = find_deadlines(paris("30/11/2026 17:00"), 4, OFFICE)
    assert found.by_days == found.by_hours == paris("01/12/2026 12:00")


def test_a_calendar_that_never_opens_is_refused() -> None:
    never = WorkingTime(
        closures=tuple(Closure(date(2026, 1, 1) + timedelta(days=n), "non") for n in range(800))
    )
    with pytest.raises(ValueError, match="never opens"):
        find_opening(paris("05/01/2026 10:00"), never)
    with pytest.raises(ValueError, match="never opens"):
        add_working_dates(date(2026, 1, 5), 1, never)


Instants = st.datetimes(datetime(2024, 1, 1), datetime(2031, 12, 31)).map(
    lambda one: one.replace(tzinfo=PARIS)
)
Durations = st.integers(0, 200 * 60).map(lambda minutes: timedelta(minutes=minutes))


@given(Instants, Durations, Durations)
def test_office_time_adds_up(start: datetime, first: timedelta, second: timedelta) -> None:
    once = add_working_time(start, first + second, OFFICE)
    assert add_working_time(add_working_time(start, first, OFFICE), second, OFFICE) == once


@given(Instants, Durations)
def test_the_office_time_until_a_deadline_is_its_delay(start: datetime, duration: timedelta) -> None:
    assert measure_working_time(start, add_working_time(start, duration, OFFICE), OFFICE) == duration


@given(Instants, st.integers(1, 20))
def test_so_many_working_days_later_people_work_at_the_same_time(start: datetime, days: int) -> None:
    found = add_working_days(start, days, OFFICE)
    assert is_working(found, OFFICE)
    assert found.time() == find_opening(start, OFFICE).time()


@given(Instants, st.integers(1, 5))
def test_the_days_are_never_later_than_the_hours(start: datetime, days: int) -> None:
    found = find_deadlines(start, 24 * days, OFFICE)
    assert found.by_days <= found.by_hours
