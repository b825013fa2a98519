"""The delays of a relevé and of an urgent intervention, on the working days of France."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonreg.documents.minutes import read_delays, require_possible
from nonreg.documents.urgent import read_urgent_delays
from nonreg.errors import UsageError
from nonreg.model.documents import Happened, RecordDelays, RecordEvent, Stamp
from nonreg.working_time import PARIS, Closure, WorkingTime
from reports.decision_record import find_verdict
from tests.documents.sites import at, urgent

SENT, REMARKS, INTEGRATED = RecordEvent
HELD = date(2026, 11, 26)
WORKING = WorkingTime()


def happened(event: RecordEvent, moment: datetime) -> Happened:
    return Happened(event, moment, "titulaire-essai", "", 1)


def delays(now: datetime, *events: tuple[RecordEvent, datetime], held_on: date = HELD) -> RecordDelays:
    return read_delays(held_on, [happened(*one) for one in events], WORKING, now)


@pytest.mark.parametrize(
    ("held_on", "send_by"),
    [
        (date(2026, 4, 30), date(2026, 5, 11)),
        (date(2026, 5, 7), date(2026, 5, 18)),
        (date(2026, 12, 23), date(2026, 12, 31)),
    ],
)
def test_a_releve_is_due_five_working_days_after_the_meeting(held_on: date, send_by: date) -> None:
    noon = timedelta(hours=12)
    last = datetime(send_by.year, send_by.month, send_by.day, tzinfo=PARIS) + noon
    found = delays(last, held_on=held_on)
    assert (found.send_by, found.is_sent_late) == (send_by, False)
    assert delays(last + noon, held_on=held_on).is_sent_late


def test_what_was_sent_on_the_last_day_is_in_time_and_on_the_next_one_late_for_good() -> None:
    assert not delays(at(20, 9, month=12), (SENT, at(3, 23, 59, month=12))).is_sent_late
    late = delays(at(20, 9, month=12), (SENT, at(4, 0, 0, month=12)))
    assert (late.is_sent_late, late.remarks_by) == (True, date(2026, 12, 11))


def test_without_remarks_a_releve_is_validated_by_default_once_the_fifth_day_is_over() -> None:
    sent = (SENT, at(30, 10))
    assert delays(at(7, 23, 59, month=12), sent).tacit is False
    found = delays(at(8, 0, 0, month=12), sent)
    assert (found.remarks_by, found.tacit) == (date(2026, 12, 7), True)


def test_remarks_in_time_take_the_tacit_validation_away_and_late_ones_do_not() -> None:
    sent, later = (SENT, at(30, 10)), at(18, 9, month=12)
    assert not delays(later, sent, (REMARKS, at(7, 23, month=12))).tacit
    found = delays(later, sent, (REMARKS, at(8, 1, month=12)))
    assert (found.tacit, found.remarks[0].is_late) == (True, True)


@pytest.mark.parametrize(
    ("received", "by_days", "by_hours"),
    [  # the readings of « 48h ouvrées » of the contract, for 24 h
        (
            datetime(2026, 4, 30, 16, tzinfo=PARIS),
            datetime(2026, 5, 4, 16, tzinfo=PARIS),
            datetime(2026, 5, 7, 10, tzinfo=PARIS),
        ),
        (
            datetime(2026, 12, 24, 15, tzinfo=PARIS),
            datetime(2026, 12, 28, 15, tzinfo=PARIS),
            datetime(2026, 12, 30, 18, tzinfo=PARIS),
        ),
    ],
)
def test_remarks_are_integrated_within_24_h_in_both_readings(
    received: datetime, by_days: datetime, by_hours: datetime
) -> None:
    held = received.date() - timedelta(days=3)
    events = ((SENT, received - timedelta(days=1)), (REMARKS, received))
    (view,) = delays(received, *events, held_on=held).remarks
    assert (view.by_days, view.by_hours) == (by_days, by_hours)

    def fate(done_at: datetime) -> tuple[bool, bool]:
        (one,) = delays(by_hours + timedelta(days=9), *events, (INTEGRATED, done_at), held_on=held).remarks
        return one.over_by_days, one.over_by_hours

    second = timedelta(seconds=1)
    assert [fate(one) for one in (by_days, by_days + second, by_hours, by_hours + second)] == [
        (False, False),
        (True, False),
        (True, False),
        (True, True),
    ]


@pytest.mark.parametrize(
    ("received", "by_clock"),
    [
        (at(27, 16), at(28, 16)),  # a Friday: the clock does not wait for Monday
        (
            datetime(2027, 3, 27, 12, tzinfo=PARIS),
            datetime(2027, 3, 28, 13, tzinfo=PARIS),
        ),  # summer time begins
    ],
)
def test_24_h_are_also_read_by_the_clock_as_the_contract_does_not_say_that_they_are_working_ones(
    received: datetime, by_clock: datetime
) -> None:
    held = received.date() - timedelta(days=3)
    events = ((SENT, received - timedelta(days=1)), (REMARKS, received))
    (view,) = delays(received, *events, held_on=held).remarks
    assert view.by_clock == by_clock
    assert view.by_clock.astimezone(UTC) - received.astimezone(UTC) == timedelta(hours=24)
    for late, over in ((0, False), (1, True)):
        done_at = by_clock + timedelta(seconds=late)
        (one,) = delays(done_at, *events, (INTEGRATED, done_at), held_on=held).remarks
        assert (one.over_by_clock, one.over_by_days) == (over, False)


def test_remarks_that_wait_over_a_weekend_are_told_as_soon_as_24_h_are_over() -> None:
    events = ((SENT, at(26, 10)), (REMARKS, at(27, 16)))
    waiting, passed, late = (delays(now, *events) for now in (at(28, 16), at(29, 9), at(30, 16, 1)))
    assert find_verdict(waiting).text == "remarques à intégrer avant le 28/11/2026 16:00"
    assert (
        find_verdict(passed).text
        == "remarques à intégrer, 24 h passées, avant le 30/11/2026 16:00 en jour ouvré"
    )
    assert find_verdict(late).text == "remarques à intégrer avant le 30/11/2026 16:00, en retard"


def test_remarks_that_nobody_integrates_become_late_and_an_earlier_integration_is_not_theirs() -> None:
    events = (
        (SENT, at(30, 10)),
        (REMARKS, at(1, 10, month=12)),
        (INTEGRATED, at(1, 15, month=12)),
        (REMARKS, at(2, 10, month=12)),
    )
    first, second = delays(at(3, 10, 1, month=12), *events).remarks
    assert (first.over_by_days, second.integrated_at, second.over_by_days) == (False, None, True)


@pytest.mark.parametrize(
    ("event", "moment", "before", "told"),
    [
        (SENT, at(1, 10, month=12), (), "futur"),
        (SENT, at(25, 10), (), "avant la réunion"),
        (SENT, at(30, 11), ((SENT, at(30, 10)),), "déjà inscrit"),
        (REMARKS, at(30, 10), (), "pas envoyé"),
        (REMARKS, at(30, 9), ((SENT, at(30, 10)),), "pas envoyé"),
        (INTEGRATED, at(30, 11), ((SENT, at(30, 10)),), "Aucune remarque"),
        (
            INTEGRATED,
            at(30, 11),
            ((SENT, at(30, 9)), (REMARKS, at(30, 10)), (INTEGRATED, at(30, 10, 30))),
            "Aucune remarque",
        ),
    ],
)
def test_an_event_that_cannot_be_is_refused(
    event: RecordEvent, moment: datetime, before: tuple[tuple[RecordEvent, datetime], ...], told: str
) -> None:
    with pytest.raises(UsageError, match=told):
        require_possible(event, moment, HELD, [happened(*one) for one in before], at(30, 12))


@given(st.dates(date(2026, 1, 1), date(2029, 1, 1)), st.integers(0, 200))
def test_a_deadline_never_comes_before_what_it_counts_from(held_on: date, hours: int) -> None:
    sent = datetime(held_on.year, held_on.month, held_on.day, tzinfo=UTC) + timedelta(hours=24 + hours)
    found = delays(sent, (SENT, sent), held_on=held_on)
    assert found.remarks_by is not None
    assert held_on < found.send_by < held_on + timedelta(days=15)
    assert sent.astimezone(PARIS).date() < found.remarks_by


def test_an_urgent_intervention_begins_within_one_working_day_of_the_alert() -> None:
    friday = urgent(alert=Stamp(at(27, 16)), diagnosed=Stamp(at(30, 16)))
    assert read_urgent_delays(friday, WORKING, at(30, 18)).due == at(30, 16)
    assert not read_urgent_delays(friday, WORKING, at(30, 18)).is_over
    late = urgent(alert=Stamp(at(27, 16)), diagnosed=Stamp(at(30, 16, 1)))
    assert read_urgent_delays(late, WORKING, at(30, 18)).is_over


def test_an_alert_outside_office_time_counts_from_the_next_opening() -> None:
    sunday = urgent(alert=Stamp(at(29, 3)))
    assert read_urgent_delays(sunday, WORKING, at(30, 8)).due == at(1, 9, month=12)


def test_stages_are_measured_in_office_time_and_not_at_all_without_both_stamps() -> None:
    report = urgent(alert=Stamp(at(27, 17)), taken=Stamp(at(30, 10)), restored=Stamp("n.d."))
    laps = {one.title: one.seconds for one in read_urgent_delays(report, WORKING, at(30, 18)).laps}
    assert laps["Alerte → Prise en charge"] == 2 * 3600
    assert laps["Alerte → Rétabli"] is laps["Rétabli → Clôture"] is None


def test_stamps_in_disorder_are_told() -> None:
    found = read_urgent_delays(urgent(taken=Stamp(at(26, 15))), WORKING, at(30, 18))
    assert found.disorder == ("« Prise en charge » est avant « Alerte ».",)


def test_a_stamp_of_the_future_keeps_no_delay_and_is_told() -> None:
    report = urgent(alert=Stamp(at(30, 10)), taken=Stamp(at(30, 11)), diagnosed=Stamp(at(1, 9, month=12)))
    found = read_urgent_delays(report, WORKING, at(30, 18))
    assert (found.reached_at, "« Diagnostic » est dans l'avenir." in found.disorder) == (None, True)
    called = urgent(phone_call=Stamp(at(1, 9, month=12)))
    assert (
        "« Appel téléphonique » est dans l'avenir."
        in read_urgent_delays(called, WORKING, at(30, 18)).disorder
    )


def test_a_closure_of_the_site_moves_the_deadlines() -> None:
    working = WorkingTime(closures=(Closure(date(2026, 12, 1), "pont"),))
    assert read_delays(HELD, (), working, at(27, 9)).send_by == date(2026, 12, 4)
    assert read_urgent_delays(urgent(alert=Stamp(at(30, 10))), working, at(30, 18)).due == at(2, 10, month=12)
