"""The nights that a schedule promises, over every change of clock, and those that were missed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from nonreg.alerts.facts import in_paris
from nonreg.alerts.nights import (
    Nightly,
    RunSeen,
    find_missed,
    list_nights,
    local_day,
    parse_cron,
    tell_missed,
)
from nonreg.errors import ConfigError
from nonreg.working_time import PARIS

ROOT = Path(__file__).parent.parent
EVERY_NIGHT = parse_cron("30 1 * * *")
NIGHTLY = Nightly("essai", "nuit", EVERY_NIGHT, timedelta(hours=2))
NIGHT = datetime(2026, 11, 23, 0, 30, tzinfo=UTC)  # 01:30 in Paris
MONTHS = (datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 11, 15, tzinfo=UTC))
HOURS = st.integers(0, 23).filter(lambda hour: hour != 2)


def run_of(start: datetime, **changes: object) -> RunSeen:
    run = RunSeen("passage", "essai", "nuit", "NUIT", start, published=True, running=False)
    return replace(run, **changes)  # type: ignore[arg-type]


@given(HOURS, st.integers(0, 59), st.datetimes(datetime(2026, 1, 1), datetime(2030, 1, 1)))
def test_each_local_day_is_one_night_at_its_local_time(hour: int, minute: int, start: datetime) -> None:
    after = start.replace(tzinfo=UTC)
    nights = list(list_nights(parse_cron(f"{minute} {hour} * * *"), after, after + timedelta(days=300)))
    days = [local_day(night) for night in nights]
    assert days == [days[0] + timedelta(days=number) for number in range(len(days))]
    assert 299 <= len(days) <= 301  # a change of clock moves one in or out
    assert {night.astimezone(PARIS).time() for night in nights} == {time(hour, minute)}


@given(
    st.lists(
        st.datetimes(*(month.replace(tzinfo=None) for month in MONTHS)), min_size=1, max_size=6, unique=True
    )
)
def test_rounds_at_any_moment_find_each_missed_night_once(moments: list[datetime]) -> None:
    """No campaign ever runs: whatever the rounds, the facts found are exactly the nights that were due by then."""
    rounds = sorted(moment.replace(tzinfo=UTC) for moment in moments)
    since = rounds[0]
    told: list[str] = []
    for now in rounds:
        found = [
            tell_missed(NIGHTLY, start, (), "", now).key for start in find_missed(NIGHTLY, (), since, now)
        ]
        assert len(set(found)) == len(found)
        told += [key for key in found if key not in told]
    due = [
        night
        for night in list_nights(EVERY_NIGHT, since, rounds[-1])
        if night + NIGHTLY.tolerance <= rounds[-1]
    ]
    within = [
        night
        for night in due
        if any(night + NIGHTLY.tolerance <= now <= night + timedelta(days=7) for now in rounds)
    ]
    assert told == [f"nuit-manquee/essai/nuit/{local_day(night)}" for night in within]


@pytest.mark.parametrize(
    ("day", "utc"),
    [("2026-03-29", "00:30"), ("2026-03-30", "23:30"), ("2026-10-25", "23:30"), ("2026-10-26", "00:30")],
)
def test_the_nights_of_a_change_of_clock(day: str, utc: str) -> None:
    around = datetime.fromisoformat(f"{day}T00:30+00:00")
    (night,) = (
        one
        for one in list_nights(EVERY_NIGHT, around - timedelta(days=2), around + timedelta(days=2))
        if local_day(one) == date.fromisoformat(day)
    )
    assert f"{night:%H:%M}" == utc
    assert night.astimezone(PARIS).time() == time(1, 30)


def test_the_two_same_hours_of_an_autumn_night_are_told_apart() -> None:
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert in_paris(first) == "25/10/2026 à 02:30 (heure de Paris, UTC+2)"
    assert in_paris(first + timedelta(hours=1)) == "25/10/2026 à 02:30 (heure de Paris, UTC+1)"


@pytest.mark.parametrize(
    ("cron", "weekdays"),
    [("0 4 * * 0", {6}), ("0 4 * * 7", {6}), ("0 4 * * 1-5", {0, 1, 2, 3, 4}), ("0 4 * * 6,0", {5, 6})],
)
def test_days_of_the_week_are_those_of_cron(cron: str, weekdays: set[int]) -> None:
    assert parse_cron(cron).weekdays == weekdays


@pytest.mark.parametrize(
    "cron", ["", "30 1 * *", "*/5 1 * * *", "30 24 * * *", "60 1 * * *", "30 1 1 * *", "0 4 * * 8"]
)
def test_another_form_of_schedule_is_refused(cron: str) -> None:
    with pytest.raises(ConfigError, match="sont attendus"):
        parse_cron(cron)


def test_days_from_the_end_to_the_start_are_refused() -> None:
    with pytest.raises(ConfigError, match="à l'envers"):
        parse_cron("0 4 * * 5-1")


@pytest.mark.parametrize("minute", [0, 30, 59])
def test_an_hour_that_a_change_of_clock_skips_or_repeats_is_refused(minute: int) -> None:
    with pytest.raises(ConfigError, match="manque ou se répète"):
        parse_cron(f"{minute} 2 * * *")


def test_every_schedule_of_our_campaigns_is_understood() -> None:
    deployments = yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))["deployments"]
    crons = [
        schedule["cron"]
        for one in deployments
        for schedule in one.get("schedules", ())
        if "cron" in schedule and one["entrypoint"] == "flows.campaign.campaign"
    ]
    assert crons
    for cron in crons:
        assert list(list_nights(parse_cron(cron), NIGHT, NIGHT + timedelta(days=8)))


def test_a_night_is_missed_only_when_its_report_is_due() -> None:
    since = NIGHT - timedelta(hours=1)
    due = NIGHT + NIGHTLY.tolerance
    assert find_missed(NIGHTLY, (), since, due - timedelta(seconds=1)) == ()
    assert find_missed(NIGHTLY, (), since, due) == (NIGHT,)
    assert find_missed(NIGHTLY, (), NIGHT + timedelta(seconds=1), due) == ()  # nobody looked yet


@pytest.mark.parametrize(
    ("run", "missed"),
    [
        (run_of(NIGHT + timedelta(seconds=20)), False),
        (run_of(NIGHT - timedelta(minutes=1)), False),
        (run_of(NIGHT + timedelta(hours=9)), False),
        (run_of(NIGHT - timedelta(hours=1)), True),
        (run_of(NIGHT + timedelta(days=1)), True),
        (run_of(NIGHT, published=False), True),
        (run_of(NIGHT, platform="autre"), True),
        (run_of(NIGHT, deployment="a-la-demande"), True),
    ],
)
def test_only_a_published_campaign_of_that_night_makes_it_good(run: RunSeen, missed: bool) -> None:
    found = find_missed(NIGHTLY, (run,), NIGHT - timedelta(hours=1), NIGHT + timedelta(hours=12))
    assert (NIGHT in found) == missed


def test_a_missed_night_tells_what_began_and_what_the_server_says() -> None:
    now = NIGHT + timedelta(hours=3)
    cut = run_of(NIGHT, published=False, run_id="20261123T003000Z-essai-1")
    fact = tell_missed(NIGHTLY, NIGHT, (cut,), "NUIT planté", now)
    assert fact.key == "nuit-manquee/essai/nuit/2026-11-23"
    assert (
        "prévue le 23/11/2026 à 01:30 (heure de Paris, UTC+1), n'a pas de rapport publié 120 min plus tard."
        in fact.text
    )
    assert "Passage 20261123T003000Z-essai-1 : commencé" in fact.text
    assert "jamais publié." in fact.text
    assert "Sur le serveur Prefect : NUIT planté." in fact.text
    assert "encore en cours." in tell_missed(NIGHTLY, NIGHT, (replace(cut, running=True),), "", now).text
    assert "Aucun passage n'a commencé." in tell_missed(NIGHTLY, NIGHT, (), "", now).text
