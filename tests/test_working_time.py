"""Working days and hours: Monday to Friday without the national holidays, on the clock of Paris."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonreg.working_time import (
    PARIS,
    Closure,
    Opening,
    WorkingTime,
    explain_closed,
    explain_day_off,
    find_problem,
    is_working,
)

USUAL = WorkingTime()
INSTANTS = st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31), timezones=st.just(UTC))
HOLIDAYS_2026 = {
    date(2026, 1, 1): "Jour de l'an",
    date(2026, 4, 6): "Lundi de Pâques",
    date(2026, 5, 1): "Fête du Travail",
    date(2026, 5, 8): "Fête de la Victoire",
    date(2026, 5, 14): "Ascension",
    date(2026, 5, 25): "Lundi de Pentecôte",
    date(2026, 7, 14): "Fête nationale",
    date(2026, 11, 11): "Armistice",
    date(2026, 12, 25): "Noël",
}


def paris(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=PARIS)


def test_a_year_has_its_national_holidays_and_no_other_day_off_than_week_ends() -> None:
    days = (date(2026, 1, 1) + timedelta(days=number) for number in range(365))
    found = {day: why for day in days if (why := explain_day_off(day, USUAL)) and day.weekday() < 5}
    assert found == {day: f"jour férié : {name}" for day, name in HOLIDAYS_2026.items()}


@pytest.mark.parametrize("day", [date(2027, 3, 26), date(2024, 12, 26), date(2025, 12, 26)])
def test_days_off_of_alsace_and_moselle_are_worked(day: date) -> None:
    assert explain_day_off(day, USUAL) == ""


@pytest.mark.parametrize("day", [date(2026, 4, 6), date(2027, 3, 29), date(2028, 4, 17)])
def test_easter_monday_moves_with_the_year(day: date) -> None:
    assert explain_day_off(day, USUAL) == "jour férié : Lundi de Pâques"


@pytest.mark.parametrize(
    ("at", "why"),
    [
        ("2026-11-23T08:59:59", "avant 9\u00a0h"),
        ("2026-11-23T09:00", ""),
        ("2026-11-23T11:59:59", ""),
        ("2026-11-23T12:00", "entre 12\u00a0h et 14\u00a0h"),
        ("2026-11-23T14:00", ""),
        ("2026-11-23T18:00", "après 18\u00a0h"),
        ("2026-11-22T10:00", "dimanche"),
        ("2026-11-21T10:00", "samedi"),
        ("2026-12-25T10:00", "jour férié : Noël"),
    ],
)
def test_the_reason_is_told_in_french(at: str, why: str) -> None:
    assert explain_closed(paris(at), USUAL) == why


def test_openings_and_closures_are_those_that_were_agreed() -> None:
    own = WorkingTime((Opening(time(8, 30), time(17)),), (Closure(date(2026, 5, 15), "pont de l'Ascension"),))
    assert explain_closed(paris("2026-11-23T08:29"), own) == "avant 8\u00a0h\u00a030"
    assert is_working(paris("2026-11-23T13:00"), own)
    assert explain_closed(paris("2026-11-23T17:00"), own) == "après 17\u00a0h"
    assert explain_closed(paris("2026-05-15T10:00"), own) == "fermeture : pont de l'Ascension"


@pytest.mark.parametrize(
    ("before", "after"), [("2026-03-27", "2026-03-30"), ("2026-10-23", "2026-10-26")], ids=["mars", "octobre"]
)
def test_the_day_opens_at_nine_in_paris_on_both_sides_of_a_change_of_hour(before: str, after: str) -> None:
    for day in (before, after):
        opening = paris(f"{day}T09:00").astimezone(UTC)
        assert is_working(opening, USUAL)
        assert not is_working(opening - timedelta(seconds=1), USUAL)
    first, second = (paris(f"{day}T09:00").astimezone(UTC) for day in (before, after))
    assert second - first != timedelta(days=3)


def test_the_hour_lived_twice_is_read_the_same_both_times() -> None:
    always = WorkingTime((Opening(time(0), time(2, 30)), Opening(time(3), time(23))))
    for at in ("2026-10-25T00:15+00:00", "2026-10-25T01:15+00:00"):  # 02:15 in Paris, a Sunday
        assert explain_closed(datetime.fromisoformat(at), always) == "dimanche"
    monday = datetime(2026, 10, 26, 1, 15, tzinfo=UTC)
    assert is_working(monday, always)


@given(INSTANTS, st.integers(-12, 14))
def test_an_instant_is_judged_alike_in_whatever_zone_it_is_written(instant: datetime, hours: int) -> None:
    elsewhere = instant.astimezone(timezone(timedelta(hours=hours)))
    assert explain_closed(elsewhere, USUAL) == explain_closed(instant, USUAL)
    assert explain_closed(instant.astimezone(ZoneInfo("Asia/Tokyo")), USUAL) == explain_closed(instant, USUAL)


@given(INSTANTS)
def test_worked_time_is_inside_an_opening_of_a_week_day(instant: datetime) -> None:
    local = instant.astimezone(PARIS)
    inside = any(one.opens <= local.time() < one.closes for one in USUAL.openings)
    assert is_working(instant, USUAL) == (inside and not explain_day_off(local.date(), USUAL))
    if local.weekday() >= 5:
        assert not is_working(instant, USUAL)


@given(st.integers(1950, 2099))
def test_every_year_works_between_251_and_255_days(year: int) -> None:
    length = (date(year + 1, 1, 1) - date(year, 1, 1)).days
    days = (date(year, 1, 1) + timedelta(days=number) for number in range(length))
    assert 251 <= sum(not explain_day_off(day, USUAL) for day in days) <= 255


def test_an_instant_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        is_working(datetime(2026, 11, 23, 10), USUAL)


@pytest.mark.parametrize(
    ("openings", "problem"),
    [
        ((), "au moins une plage"),
        ((Opening(time(12), time(9)),), "avant de se fermer"),
        ((Opening(time(9), time(12)), Opening(time(11), time(18))), "se suivent"),
        ((Opening(time(0, 0, 9), time(0, 0, 18)),), "à la minute"),
        ((Opening(time(9, tzinfo=UTC), time(12, tzinfo=UTC)),), "sans fuseau"),
    ],
)
def test_openings_that_make_no_day_are_said_to_be_wrong(openings: tuple[Opening, ...], problem: str) -> None:
    assert problem in find_problem(WorkingTime(openings))
    assert find_problem(USUAL) == ""
