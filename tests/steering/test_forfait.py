"""The forfait: what is used and what is left make the whole, and a run-rate needs some time before it says anything."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonreg.model.steering import Indicator
from nonreg.model.tracker import TimeEntry
from nonreg.steering.forfait import measure_forfait
from nonreg.steering.periods import begin
from nonreg.steering.settings import Forfait

YEAR = Forfait(since=date(2026, 1, 1))
ENTRIES = st.lists(
    st.builds(
        TimeEntry,
        st.just("AQ-1"),
        st.dates(date(2025, 6, 1), date(2027, 6, 1)),
        st.floats(0.25, 24),
        st.sampled_from(("Forfait", "Autre")),
        st.just("x"),
    ),
    max_size=20,
)


def entry(day: date, hours: float, activity: str = "Forfait") -> TimeEntry:
    return TimeEntry("AQ-1", day, hours, activity, "x")


def value(indicator: Indicator, column: str) -> float | None:
    (found,) = [one.value for one in indicator.figures if one.column == column]
    return found


@given(ENTRIES, st.dates(date(2026, 1, 2), date(2027, 1, 1)))
def test_what_is_used_and_what_is_left_make_the_forfait_and_a_projection_is_never_below_what_is_used(
    entries: list[TimeEntry], end: date
) -> None:
    found = measure_forfait(entries, YEAR, begin(end), "")
    used, left, percent = (value(found, column) for column in ("Utilisés", "Restants", "Part"))
    assert used is not None
    assert left is not None
    assert used + left == pytest.approx(15)
    assert percent == pytest.approx(100 * used / 15)
    own = [one for one in entries if date(2026, 1, 1) <= one.day < end]
    assert used == pytest.approx(sum(one.hours for one in own) / 7)
    projected = value(found, "Projection")
    assert (projected is None) == ((end - date(2026, 1, 1)).days < 30)
    assert projected is None or projected >= used - 1e-9


@given(ENTRIES, st.dates(date(2026, 1, 2), date(2027, 1, 1)), st.floats(1, 100))
def test_the_threshold_is_told_when_it_is_reached_and_not_before(
    entries: list[TimeEntry], end: date, threshold: float
) -> None:
    found = measure_forfait(entries, Forfait(since=date(2026, 1, 1), alert_percent=threshold), begin(end), "")
    told = [one for one in found.warnings if one.startswith("Forfait support consommé à ")]
    assert bool(told) == ((value(found, "Part") or 0) >= threshold)


def test_the_run_rate_leads_to_the_end_of_the_contract_year() -> None:
    found = measure_forfait(
        [entry(date(2026, 3, 2), 49)], YEAR, begin(date(2026, 7, 2)), ""
    )  # 182 days of 365
    assert value(found, "Projection") == pytest.approx(7 * 365 / 182)
    assert found.warnings == ()
    much = measure_forfait(
        [entry(date(2026, 3, 2), 24), entry(date(2026, 3, 3), 32)], YEAR, begin(date(2026, 7, 2)), ""
    )
    assert much.warnings == (
        "Au rythme actuel, le forfait support atteint 16,0 jours en fin d'année pour 15,0 prévus.",
    )


def test_only_the_hours_of_this_contract_year_and_of_the_declared_activities_count() -> None:
    forfait = Forfait(since=date(2024, 9, 1), activities=("forfait",))
    entries = [
        entry(date(2026, 8, 31), 7),
        entry(date(2026, 9, 1), 7),
        entry(date(2026, 9, 2), 7, "Autre"),
        entry(date(2026, 11, 30), 7),
    ]
    found = measure_forfait(entries, forfait, begin(date(2026, 11, 30)), "")
    assert value(found, "Utilisés") == 1
    assert found.period.start == begin(date(2026, 9, 1))
    assert found.series[0].lines[0].values[-2:] == (1.0, 0.0)
    assert found.series[0].lines[0].values[:-2] == (None,) * 10


def test_hours_that_nobody_told_are_not_known_and_warn_of_nothing() -> None:
    found = measure_forfait(None, YEAR, begin(date(2026, 7, 2)), "", "temps passés non lus")
    assert [one.value for one in found.figures] == [15, None, None, None, None]
    assert {one.missing for one in found.figures[1:]} == {"temps passés non lus"}
    assert (found.warnings, found.series) == ((), ())


def test_the_last_day_of_a_year_belongs_to_it() -> None:
    end = datetime.combine(date(2027, 1, 1), datetime.min.time())
    found = measure_forfait([entry(date(2026, 12, 31), 7)], YEAR, begin(end.date()), "")
    assert value(found, "Utilisés") == 1
    after = measure_forfait([entry(date(2026, 12, 31), 7)], YEAR, begin(end.date()) + timedelta(days=1), "")
    assert value(after, "Utilisés") == 0
