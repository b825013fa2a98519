"""The schedules of prefect.yaml over both changes of clock, computed with Prefect's own schedule objects."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.campaign import date_run
from tests.deployments import DEPLOYMENTS, PARIS, list_starts, make_schedule, refuse_cron

YEARS = range(2026, 2031)
DAY = timedelta(days=1)
SUNDAY = 6
SCHEDULES = {one["name"]: one["schedules"][0] for one in DEPLOYMENTS if "schedules" in one}
NIGHTLY, WEEKLY = make_schedule(SCHEDULES["nuit"]), make_schedule(SCHEDULES["semaine"])
INSTANTS = st.datetimes(datetime(2026, 1, 1), datetime(2030, 12, 31)).map(lambda at: at.replace(tzinfo=UTC))


def list_changes(year: int) -> list[date]:
    """The days of that year on which the clock of Paris changes."""
    noons = [datetime(year, 1, 1, 12, tzinfo=PARIS) + number * DAY for number in range(365)]
    return [noon.date() for noon in noons if noon.utcoffset() != (noon - DAY).utcoffset()]


@pytest.mark.parametrize("year", YEARS)
def test_each_night_of_the_year_has_its_campaign_once_at_0130(year: int) -> None:
    since = datetime(year, 1, 1, tzinfo=PARIS)
    starts = list_starts(NIGHTLY, since, datetime(year + 1, 1, 1, tzinfo=PARIS))
    assert {(start.hour, start.minute) for start in starts} == {(1, 30)}
    days = [start.date() for start in starts]
    assert days == [since.date() + number * DAY for number in range(len(days))]
    assert days[-1] == date(year, 12, 31)


@pytest.mark.parametrize("year", YEARS)
def test_the_nights_of_both_changes_of_clock_are_as_far_apart_as_the_clock_says(year: int) -> None:
    spring, autumn = list_changes(year)
    for change, hours in ((spring, 23), (autumn, 25)):
        since = datetime(change.year, change.month, change.day, tzinfo=PARIS)
        first, second = list_starts(NIGHTLY, since, since + timedelta(days=2))
        assert (first.date(), second.date()) == (change, change + DAY)
        assert second.astimezone(UTC) - first.astimezone(UTC) == timedelta(hours=hours)


@pytest.mark.parametrize("year", YEARS)
def test_each_sunday_has_its_weekly_campaign_once_at_0430_even_when_the_clock_changes(year: int) -> None:
    starts = list_starts(WEEKLY, datetime(year, 1, 1, tzinfo=PARIS), datetime(year + 1, 1, 1, tzinfo=PARIS))
    assert {(start.weekday(), start.hour, start.minute) for start in starts} == {(SUNDAY, 4, 30)}
    assert {*Counter(start.date() for start in starts).values()} == {1}
    assert {*list_changes(year)} <= {start.date() for start in starts}
    assert {(later.date() - one.date()).days for one, later in pairwise(starts)} == {7}


@settings(max_examples=50)
@given(INSTANTS)
def test_whenever_the_server_looks_the_next_night_is_the_same_and_less_than_25_hours_away(
    at: datetime,
) -> None:
    nights = list_starts(NIGHTLY, at, at + timedelta(days=3))
    assert nights[0].astimezone(UTC) - at <= timedelta(hours=25)
    later = nights[0].astimezone(UTC) - timedelta(seconds=1)
    assert list_starts(NIGHTLY, max(at, later), at + timedelta(days=3)) == nights


@settings(max_examples=50)
@given(INSTANTS)
def test_two_nights_never_bear_the_same_date_and_a_late_start_changes_nothing(at: datetime) -> None:
    nights = list_starts(NIGHTLY, at, at + timedelta(days=4))
    named = [date_run(start.astimezone(UTC)) for start in nights]
    assert named == [start.date() for start in nights]
    assert len({*named}) == len(named)


@given(INSTANTS)
def test_the_date_of_a_run_is_the_day_in_paris(at: datetime) -> None:
    assert date_run(at) == at.astimezone(PARIS).date()
    assert date_run(at) - at.date() in (timedelta(0), DAY)  # Paris is never behind UTC


def test_a_night_planned_at_0030_utc_in_summer_bears_the_day_that_has_begun_in_paris() -> None:
    assert date_run(datetime(2026, 7, 1, 23, 30, tzinfo=UTC)) == date(2026, 7, 2)
    assert date_run(datetime(2026, 11, 23, 0, 30, tzinfo=UTC)) == date(2026, 11, 23)


@pytest.mark.parametrize("name", SCHEDULES)
def test_no_schedule_of_the_project_starts_between_0200_and_0259(name: str) -> None:
    assert refuse_cron(SCHEDULES[name], YEARS) == []


@pytest.mark.parametrize("cron", ["30 2 * * *", "0 2 * * 0", "59 2 1 1 *", "*/30 * * * *", "15 1-3 * * *"])
def test_a_schedule_between_0200_and_0259_is_refused(cron: str) -> None:
    assert refuse_cron({"cron": cron, "timezone": "Europe/Paris"}, YEARS)


@pytest.mark.parametrize("timezone", [None, "UTC", "Europe/London"])
def test_a_schedule_on_another_clock_is_refused(timezone: str | None) -> None:
    assert refuse_cron({"cron": "30 1 * * *", "timezone": timezone}, YEARS)


def test_a_schedule_in_the_absent_hour_would_lose_or_move_a_night() -> None:
    """Why the hour is refused: with Prefect's own objects the night of the spring change is not at 02:30."""
    spring, _ = list_changes(2026)
    since = datetime(spring.year, spring.month, spring.day, tzinfo=PARIS)
    starts = list_starts(
        make_schedule({"cron": "30 2 * * *", "timezone": "Europe/Paris"}), since, since + DAY
    )
    assert [(start.hour, start.minute) for start in starts] != [(2, 30)]


def test_the_weekly_begins_when_the_nightly_no_longer_waits() -> None:
    nightly = next(one for one in DEPLOYMENTS if one["name"] == "nuit")
    since = datetime(2026, 1, 1, tzinfo=PARIS)
    weekly = list_starts(WEEKLY, since, datetime(2027, 1, 1, tzinfo=PARIS))
    nights = {
        start.date(): start for start in list_starts(NIGHTLY, since, datetime(2027, 1, 1, tzinfo=PARIS))
    }
    patience = timedelta(minutes=nightly["parameters"]["wait_minutes"])
    for start in weekly:  # on the one clock that never changes
        assert nights[start.date()].astimezone(UTC) + patience <= start.astimezone(UTC)
