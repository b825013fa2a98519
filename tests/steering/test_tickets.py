"""Indicators of the tickets: each counts once, stocks add up, and what nobody knows is no zero."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nonreg.model.steering import Figure, Indicator, PackKind, Period, Severity
from nonreg.model.tracker import TicketState
from nonreg.steering.periods import (
    begin,
    find_contract_year,
    find_period,
    list_months,
    list_weeks,
    move_months,
)
from nonreg.steering.settings import CONTRACT, SteeringSettings
from nonreg.steering.stories import Story, tell_story
from nonreg.steering.tickets import (
    NO_NOTES,
    NO_TEAM,
    count_backlog,
    count_moves,
    count_volumes,
    find_deadline,
    find_slope,
    follow_anomalies,
    measure_delays,
    measure_reopenings,
    settle,
)
from nonreg.steering.watch import list_due
from nonreg.working_time import PARIS, WorkingTime
from tests.steering.samples import (
    DAYS,
    FIRST,
    MANY,
    MOA,
    SETTINGS,
    hours,
    note,
    periods,
    stories,
    story,
    ticket,
)

WORKING = WorkingTime()
SLOW = settings(deadline=None, max_examples=40)  # the first call computes the holidays of its years
URGENT, SERIOUS, MINOR, QUALIFIED = CONTRACT
YEAR = Period(FIRST, FIRST + timedelta(days=3000))


def value(indicator: Indicator, row: str, column: str) -> float | None:
    (found,) = [one.value for one in indicator.figures if (one.row, one.column) == (row, column)]
    return found


def why(indicator: Indicator, row: str, column: str) -> str:
    (found,) = [one.missing for one in indicator.figures if (one.row, one.column) == (row, column)]
    return found


def paris(*words: int) -> datetime:
    return datetime(*words, tzinfo=PARIS)  # type: ignore[arg-type]


@given(MANY, periods())
def test_the_stock_at_the_end_is_the_former_one_with_what_came_less_what_was_closed(
    many: list[Story], period: Period
) -> None:
    opened, reopened, closed = count_moves(many, period)
    before, after = (sum(one.is_open(at) for one in many) for at in (period.start, period.end))
    assert after == before + opened + reopened - closed


@given(MANY, periods())
def test_each_line_of_a_volume_and_of_a_backlog_adds_up_to_the_whole(
    many: list[Story], period: Period
) -> None:
    for indicator in (count_volumes(many, period, ""), count_backlog(many, period, True, "")):
        for column in {one.column for one in indicator.figures}:
            own = [one for one in indicator.figures if one.column == column]
            assert own[0].row == "Ensemble"
            assert own[0].value == sum(one.value or 0 for one in own[1:])
    rows = {one.row for one in indicator.figures}
    for row in rows:
        ages = [one.value or 0 for one in indicator.figures if one.row == row and one.column != "Stock"]
        assert value(indicator, row, "Stock") == sum(ages)


@SLOW
@given(MANY, st.lists(DAYS, min_size=2, max_size=5, unique=True))
def test_however_time_is_cut_a_ticket_is_settled_once(many: list[Story], cuts: list[datetime]) -> None:
    edges = sorted(cuts)
    whole = measure_delays(many, CONTRACT, Period(edges[0], edges[-1]), WORKING, True, "")
    parts = [
        measure_delays(many, CONTRACT, Period(start, end), WORKING, True, "")
        for start, end in pairwise(edges)
    ]
    for figure in whole.figures:
        if figure.column == "Échus":
            assert figure.value == sum(value(one, figure.row, "Échus") or 0 for one in parts)


@SLOW
@given(MANY)
def test_every_ticket_is_settled_in_the_end_for_each_delay_that_concerns_it(many: list[Story]) -> None:
    whole = measure_delays(many, CONTRACT, YEAR, WORKING, True, "")
    total = sum(one.value or 0 for one in whole.figures if one.column == "Échus")
    concerned = [
        (rule.name, one.reference)
        for rule in CONTRACT
        for one in many
        if one.severity in rule.severities and (not rule.kinds or one.kind in rule.kinds)
    ]
    assert total == len(concerned)


@SLOW
@given(MANY, periods())
def test_shares_are_percents_and_those_of_nothing_are_not_known(many: list[Story], period: Period) -> None:
    for indicator in (
        measure_delays(many, CONTRACT, period, WORKING, True, ""),
        measure_reopenings(many, period.end, ""),
    ):
        for figure in indicator.figures:
            if figure.unit == "%":
                assert figure.value is None or 0 <= figure.value <= 100
            assert (figure.value is None) == bool(figure.missing)


def test_an_urgent_ticket_that_is_answered_within_a_working_day_is_in_time() -> None:
    opened = paris(2026, 11, 20, 16)  # a Friday: until Monday 16:00
    assert find_deadline(story(opened_at=opened, priority="Urgente"), URGENT, WORKING) == paris(
        2026, 11, 23, 16
    )
    for answered, share in ((paris(2026, 11, 23, 16), 100), (paris(2026, 11, 23, 16, 1), 0)):
        one = story(note(answered), opened_at=opened, priority="Urgente")
        found = measure_delays([one], (URGENT,), YEAR, WORKING, True, "")
        assert value(found, "Intervention urgente, urgente", "Dans les délais") == share
        median = value(found, "Intervention urgente, urgente", "Médiane ouvrée")
        assert median == pytest.approx(2 + 5, abs=0.1)  # Friday 16-18, Monday 9-12 and 14-16


def test_a_ticket_that_nobody_answers_is_late_from_its_deadline_on_and_has_no_median() -> None:
    opened = paris(2026, 11, 16, 10)
    one = story(opened_at=opened, priority="Urgente")
    before = measure_delays([one], (URGENT,), Period(opened, paris(2026, 11, 17, 9)), WORKING, True, "")
    after = measure_delays([one], (URGENT,), Period(opened, paris(2026, 11, 17, 11)), WORKING, True, "")
    assert [value(found, "Intervention urgente, urgente", "Échus") for found in (before, after)] == [0, 1]
    assert value(after, "Intervention urgente, urgente", "Dans les délais") == 0
    assert value(after, "Intervention urgente, urgente", "Médiane ouvrée") is None


@pytest.mark.parametrize("closed_again", [None, paris(2026, 11, 27, 10)])
def test_an_anomaly_that_is_opened_again_past_its_deadline_is_late_when_it_comes_back(
    closed_again: datetime | None,
) -> None:
    opened, closed, again = paris(2026, 11, 9, 10), paris(2026, 11, 10, 10), paris(2026, 11, 24, 10)
    moves = [note(closed, became=TicketState.CLOSED), note(again, MOA, TicketState.OPEN)]
    if closed_again:
        moves.append(note(closed_again, became=TicketState.CLOSED))
    one = story(*moves, opened_at=opened, closed_at=closed_again, priority="Haute")
    first, later = (Period(at, at + timedelta(days=7)) for at in (paris(2026, 11, 9), paris(2026, 11, 23)))
    row = "Anomalie bloquante ou majeure, majeure"
    told = [measure_delays([one], (SERIOUS,), period, WORKING, True, "") for period in (first, later)]
    assert [value(found, row, "Échus") for found in told] == [0, 1]
    assert value(told[1], row, "Dans les délais") == 0
    (figure,) = [figure for figure in told[1].figures if (figure.row, figure.column) == (row, "Échus")]
    assert figure.detail == "dont 1 par réouverture"


def test_an_anomaly_that_is_opened_and_closed_again_before_its_deadline_is_in_time() -> None:
    opened, last = paris(2026, 11, 9, 10), paris(2026, 11, 11, 10)
    moves = [
        note(at, became=state)
        for at, state in (
            (paris(2026, 11, 9, 15), TicketState.CLOSED),
            (paris(2026, 11, 10, 9), TicketState.OPEN),
            (last, TicketState.CLOSED),
        )
    ]
    one = story(*moves, opened_at=opened, closed_at=last, priority="Haute")
    assert settle(one, SERIOUS, WORKING) == (last, True)
    assert settle(story(*moves[:2], opened_at=opened, priority="Haute"), SERIOUS, WORKING) == (
        find_deadline(one, SERIOUS, WORKING),
        False,
    )


def test_a_note_of_the_client_or_of_the_tool_is_no_answer() -> None:
    told = note(FIRST + hours(1), text="Régression\n\n[aquareel-nonreg:registre-00000000]")
    assert story(note(FIRST, MOA), told).answered_at is None
    assert story(note(FIRST, MOA), told, note(FIRST + hours(9))).answered_at == FIRST + hours(9)


def test_an_anomaly_that_is_minor_has_a_month_and_one_that_is_not_two_working_days() -> None:
    opened = paris(2027, 1, 29, 15)  # a Friday; February is shorter
    assert find_deadline(story(opened_at=opened), MINOR, WORKING) == paris(2027, 2, 28, 15)
    major = story(opened_at=opened, priority="Haute")
    assert find_deadline(major, SERIOUS, WORKING) == paris(2027, 2, 2, 15)
    assert find_deadline(major, QUALIFIED, WORKING) == paris(2027, 2, 5, 15)


def test_without_a_declared_team_or_without_notes_nobody_knows_whether_a_ticket_was_answered() -> None:
    one = story(priority="Urgente")
    unread = tell_story(ticket(FIRST, priority="Urgente"), None, SETTINGS)
    for found, reason in (
        (measure_delays([one], CONTRACT, YEAR, WORKING, False, ""), NO_TEAM),
        (measure_delays([one, unread], CONTRACT, YEAR, WORKING, True, ""), NO_NOTES),
    ):
        assert value(found, "Intervention urgente, urgente", "Échus") is None
        assert why(found, "Intervention urgente, urgente", "Échus") == reason
        assert value(found, "Anomalie bloquante ou majeure, majeure", "Échus") == 0


def test_a_closing_that_was_undone_counts_for_the_rate_of_reopenings() -> None:
    first, again = FIRST + timedelta(days=2), FIRST + timedelta(days=3)
    undone = story(note(first, became=TicketState.CLOSED), note(again, became=TicketState.OPEN))
    held = story(closed_at=first)
    found = measure_reopenings([undone, held], FIRST + timedelta(days=10), "")
    assert value(found, "Clôtures", "Taux") == 50
    before = measure_reopenings([undone, held], again, "")  # not yet, then
    assert value(before, "Clôtures", "Taux") == 0
    assert value(measure_reopenings([], FIRST, ""), "Clôtures", "Taux") is None


def test_a_word_that_the_site_does_not_declare_is_shown_as_not_classed_whatever_it_looks_like() -> None:
    one = tell_story(ticket(FIRST, kind="Anomalies", priority="URGENT"), (), SETTINGS)
    assert (one.kind, one.severity) == ("non classé", Severity.UNKNOWN)
    same = tell_story(ticket(FIRST, kind="anomalie ", priority="  URGENTE"), (), SETTINGS)
    assert (same.kind, same.severity) == ("anomalie", Severity.URGENT)
    by_kind = SteeringSettings(severities={"Incident": Severity.URGENT})
    assert tell_story(ticket(FIRST, kind="Incident"), (), by_kind).severity is Severity.URGENT


def test_the_trend_of_the_backlog_begins_with_the_tracker_and_ends_with_the_stock() -> None:
    end = begin(datetime(2026, 12, 1).date())
    one = story(opened_at=paris(2026, 10, 3, 9), closed_at=paris(2026, 11, 5, 9))
    other = story(opened_at=paris(2026, 11, 20, 9))
    months = Period(begin(datetime(2026, 11, 1).date()), end)
    found = count_backlog([one, other], months, False, "")
    assert found.series[0].lines[0].values == (*[None] * 10, 1.0, 1.0)
    assert found.series[0].labels[-1] == "nov. 26"
    weeks = count_backlog([one, other], months, True, "").series[0]
    assert (weeks.labels[-1], weeks.lines[0].values[-2:]) == ("01/12", (1.0, 1.0))
    assert value(found, "Ensemble", "Stock") == 1


def test_months_before_the_tracker_and_anomalies_of_no_declared_kind_are_not_known() -> None:
    end = begin(datetime(2026, 12, 1).date())
    found = follow_anomalies([story(opened_at=paris(2026, 10, 3, 9))], end, "")
    assert found.series[0].lines[0].values == (*[None] * 10, 1.0, 0.0)
    assert value(found, "Ensemble", "Dernier mois") == 0
    assert value(found, "Ensemble", "Pente sur 3 mois") is None
    other = follow_anomalies([story(kind="Autre")], end, "")
    assert {one.value for one in other.figures} == {None}
    assert not other.series


@pytest.mark.parametrize(
    ("values", "slope"),
    [
        ((1, 2, 3), 1),
        ((3, 3, 3), 0),
        ((6, 3, 0), -3),
        ((0, 6, 0), 0),
        ((None, 1, 2), None),
        ((), None),
        ((1,), None),
    ],
)
def test_a_slope_is_that_of_the_line_that_fits_best(
    values: tuple[float | None, ...], slope: float | None
) -> None:
    assert find_slope(values) == (None if slope is None else pytest.approx(slope))


@given(st.floats(-50, 50), st.floats(-50, 50), st.integers(2, 12))
def test_the_slope_of_a_straight_line_is_its_own(start: float, step: float, count: int) -> None:
    assert find_slope([start + step * place for place in range(count)]) == pytest.approx(step, abs=1e-6)


@given(stories())
def test_a_ticket_ends_in_the_state_that_its_tracker_says(one: Story) -> None:
    assert one.moves[0].state is TicketState.OPEN
    states = [move.state for move in one.moves]
    assert all(before is not after for before, after in pairwise(states))
    assert [move.at for move in one.moves] == sorted(move.at for move in one.moves)
    assert one.is_open(datetime(2100, 1, 1, tzinfo=UTC)) is (one.closed_at is None)


@given(DAYS)
def test_a_weekly_pack_looks_at_the_last_whole_week_and_a_copil_at_whole_months(at: datetime) -> None:
    week, month = (find_period(kind, at) for kind in PackKind)
    for one in (week, month):
        assert one.end <= at
        assert one.start.astimezone(PARIS).hour == one.end.astimezone(PARIS).hour == 0
    assert week.start.astimezone(PARIS).weekday() == week.end.astimezone(PARIS).weekday() == 0
    assert at - week.end < timedelta(days=7, hours=1)
    assert (month.start.astimezone(PARIS).day, month.end.astimezone(PARIS).day) == (1, 1)
    three = find_period(PackKind.COPIL, at, 3)
    assert (three.end, move_months(three.start.astimezone(PARIS).date(), 3)) == (
        month.end,
        month.end.astimezone(PARIS).date(),
    )


def test_a_week_with_a_change_of_clock_has_its_seven_days() -> None:
    week = find_period(PackKind.WEEKLY, paris(2026, 10, 26, 6))
    assert (week.start, week.end) == (paris(2026, 10, 19), paris(2026, 10, 26))
    assert week.end.astimezone(UTC) - week.start.astimezone(UTC) == timedelta(days=7, hours=1)


@given(DAYS)
def test_months_and_weeks_of_a_trend_follow_each_other_without_a_gap(at: datetime) -> None:
    for some in (list_months(at), list_weeks(at)):
        assert len(some) == 12
        assert all(one.end == two.start for one, two in pairwise(some))
        assert some[-1].end <= at


@given(DAYS, st.dates(datetime(2015, 1, 1).date(), datetime(2035, 12, 31).date()) | st.none())
def test_an_instant_is_in_its_contract_year(at: datetime, since: object) -> None:
    first, after = find_contract_year(since, at)  # type: ignore[arg-type]
    assert first <= at.astimezone(PARIS).date() < after
    assert 365 <= (after - first).days <= 366


def test_a_figure_gains_what_it_was_not_in_the_last_pack() -> None:
    assert Figure("a", "b", 5.0, before=3.0).change == 2
    assert Figure("a", "b", 5.0).change is None
    assert Figure("a", "b", None, before=3.0).change is None


def test_a_ticket_that_nothing_happened_to_since_long_before_the_period_hides_no_delay_though_nobody_read_it() -> (
    None
):
    old = tell_story(ticket(FIRST, FIRST + hours(2), priority="Urgente"), None, SETTINGS)
    opened = paris(2027, 3, 15, 10)
    new = story(note(opened + hours(1)), opened_at=opened, priority="Urgente")
    week = Period(paris(2027, 3, 15), paris(2027, 3, 22))
    found = measure_delays([old, new], (URGENT,), week, WORKING, True, "")
    assert value(found, "Intervention urgente, urgente", "Échus") == 1
    touched = replace(old, updated_at=week.start)
    blind = measure_delays([touched, new], (URGENT,), week, WORKING, True, "")
    assert why(blind, "Intervention urgente, urgente", "Échus") == NO_NOTES


def test_without_notes_nobody_knows_what_was_closed_and_opened_again() -> None:
    read = story(closed_at=FIRST + hours(5))
    unread = tell_story(ticket(FIRST, FIRST + hours(2)), None, SETTINGS)
    end = FIRST + timedelta(days=7)
    rates = measure_reopenings([read, unread], end, "")
    assert {(one.value, one.missing) for one in rates.figures} == {(None, NO_NOTES)}
    moved = count_volumes([read, unread], Period(FIRST, end), "")
    assert [value(moved, "Ensemble", name) for name in ("Ouverts", "Rouverts", "Clos")] == [2, None, None]
    assert why(moved, "Ensemble", "Rouverts") == NO_NOTES
    later = Period(end, end + timedelta(days=7))
    assert value(count_volumes([read, unread], later, ""), "Ensemble", "Clos") == 0


def test_without_a_declared_team_no_ticket_is_told_as_left_without_an_answer() -> None:
    urgent = story(note(FIRST + hours(1)), priority="Urgente")
    nobody = tell_story(ticket(FIRST, priority="Urgente"), (note(FIRST + hours(1)),), SteeringSettings())
    unanswered = replace(nobody, severity=Severity.URGENT)
    assert list_due(urgent, CONTRACT, WORKING) == []
    assert [name for name, _ in list_due(unanswered, CONTRACT, WORKING)] == ["Intervention urgente"]
    assert list_due(unanswered, CONTRACT, WORKING, has_team=False) == []


def test_a_ticket_whose_notes_nobody_read_is_still_due_for_its_closing() -> None:
    unread = tell_story(ticket(FIRST, priority="Haute"), None, SETTINGS)
    assert [name for name, _ in list_due(unread, CONTRACT, WORKING)] == ["Anomalie bloquante ou majeure"]
    closed = tell_story(ticket(FIRST, FIRST + hours(2), priority="Haute"), None, SETTINGS)
    assert list_due(closed, CONTRACT, WORKING) == []
