"""Interruptions as a client saw them, and the recovery time split into parts that add up."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonreg.drills.history import Attempt
from nonreg.drills.interruptions import find_interruptions, measure_resolution, summarise_client
from nonreg.drills.recovery import Moments, split_recovery
from nonreg.model.drill import Interruption, RecoveryTime, WriteOutcome

ACK, ERR, UNKNOWN = WriteOutcome.ACK, WriteOutcome.ERR, WriteOutcome.UNKNOWN


def run_client(*steps: tuple[float, float, WriteOutcome, str]) -> list[Attempt]:
    """Attempts of one client: sent, ended, outcome, target."""
    return [
        Attempt("direct-1", number, target, sent, ended, outcome)
        for number, (sent, ended, outcome, target) in enumerate(steps, start=1)
    ]


KILLED = run_client(
    (0.0, 0.1, ACK, "SITE-A"),
    (1.0, 1.1, ACK, "SITE-A"),
    (2.0, 2.9, UNKNOWN, "SITE-A"),
    (3.0, 3.1, ERR, "SITE-B"),
    (4.0, 4.1, ERR, "SITE-A"),
    (5.0, 5.1, ACK, "SITE-B"),
    (6.0, 6.1, ACK, "SITE-B"),
)


def test_an_interruption_goes_from_the_last_good_answer_to_the_first_one_after() -> None:
    assert find_interruptions(KILLED, 1.5) == (Interruption(1.1, 5.1, 3),)


def test_its_resolution_is_the_gap_between_the_tries_at_the_target_that_answered() -> None:
    assert measure_resolution(KILLED, Interruption(1.1, 5.1, 3)) == 2.0
    without = [one for one in KILLED if one.sequence != 4]
    assert measure_resolution(without, Interruption(1.1, 5.1, 2)) == 1.0  # the first try at SITE-B


def test_an_interruption_without_an_answer_after_has_an_open_end() -> None:
    lasting = find_interruptions(KILLED[:5], 1.5)
    assert lasting == (Interruption(1.1, 4.1, 3, open_ended=True),)
    assert measure_resolution(KILLED[:5], lasting[0]) is None


def test_a_client_that_was_never_answered_was_interrupted_from_its_first_attempt() -> None:
    assert find_interruptions(KILLED[2:5], 0.0) == (Interruption(2.0, 4.1, 3, open_ended=True),)


def test_an_attempt_that_waits_for_its_answer_is_an_interruption_without_failure() -> None:
    attempts = run_client((0.0, 0.1, ACK, "A"), (1.0, 9.0, ACK, "A"), (9.1, 9.2, ACK, "A"))
    assert find_interruptions(attempts, 2.0)[0] == Interruption(0.1, 9.0, 0)


def test_a_summary_counts_every_attempt_and_takes_the_cost_at_rest() -> None:
    slow = [(at, at + 1.0, ACK, "SITE-B") for at in (7.0, 8.0, 9.0, 10.0, 11.0)]
    slow_at_the_end = [*KILLED, *run_client(*slow)]
    summary = summarise_client("direct-1", "Écriture directe 1", True, slow_at_the_end, 2.0)
    assert (summary.attempts, summary.acknowledged, summary.errors, summary.unknown) == (12, 9, 2, 1)
    assert summary.period_seconds == 1.0
    assert summary.cost_seconds == pytest.approx(0.1)
    assert [one.attempts for one in summary.interruptions] == [3]
    nothing = summarise_client("direct-1", "Écriture directe 1", True, [])
    assert (nothing.attempts, nothing.cost_seconds, nothing.interruptions) == (0, 0.0, ())


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 9), st.sampled_from(WriteOutcome)), max_size=30))
def test_interruptions_cover_every_failure_and_the_time_without_answer(
    steps: list[tuple[int, int, WriteOutcome]],
) -> None:
    attempts, clock = [], 0.0
    for number, (wait, duration, outcome) in enumerate(steps):
        clock += wait
        attempts.append(Attempt("direct-1", number, "A", clock, clock + duration, outcome))
        clock += duration
    found = find_interruptions(attempts, -1.0)
    assert sum(one.attempts for one in found) == sum(one.outcome is not ACK for one in attempts)
    assert list(found) == sorted(found, key=lambda one: -one.seconds)
    assert sum(one.open_ended for one in found) == bool(attempts and attempts[-1].outcome is not ACK)
    for one in found:
        inside = [
            a for a in attempts if one.from_seconds < a.sent_seconds and a.ended_seconds < one.to_seconds
        ]
        assert all(a.outcome is not ACK for a in inside)
        resolution = measure_resolution(attempts, one)
        assert (resolution is None) == one.open_ended
        assert resolution is None or resolution >= 0
    spans = sorted((one.from_seconds, one.to_seconds) for one in found)
    assert all(before[1] <= after[0] for before, after in pairwise(spans))


def test_the_parts_of_an_unplanned_recovery_follow_one_another() -> None:
    moments = Moments(10, 12, 12.5, 15, 16, 9.75, 17)
    assert split_recovery(moments) == RecoveryTime(7.25, 2, 3, 1, 1)


def test_a_person_who_was_slow_while_the_service_answered_cost_nothing() -> None:
    planned = Moments(operator_asked=10, tool_started=60, declared=63, last_ack=61, first_ack=64)
    assert split_recovery(planned) == RecoveryTime(3, None, 0, 2, 1)


def test_without_an_answer_after_there_is_no_total_and_what_is_known_is_told() -> None:
    assert split_recovery(Moments(fault=10, alarm=12, last_ack=9)) == RecoveryTime(None, 2)


def test_an_alarm_later_than_the_tool_takes_nothing_from_the_switchover() -> None:
    late = Moments(10, 14, 10, 11, 16, 10, 17)
    assert split_recovery(late) == RecoveryTime(7, 1, 0, 5, 1)


def test_where_nobody_took_over_the_detection_is_whole_though_the_service_did_not_wait_for_it() -> None:
    lost_witness = Moments(fault=10, alarm=13, last_ack=15, first_ack=15.25)
    assert split_recovery(lost_witness) == RecoveryTime(0.25, 3)


@given(st.builds(Moments, *[st.none() | st.integers(0, 100)] * 7))
def test_parts_are_never_negative_never_more_than_the_total_of_a_takeover_and_absent_with_their_moments(
    moments: Moments,
) -> None:
    found = split_recovery(moments)
    parts = (
        found.detection_seconds,
        found.operator_seconds,
        found.switchover_seconds,
        found.reconnection_seconds,
    )
    assert all(part >= 0 for part in parts if part is not None)
    is_takeover = (moments.tool_started, moments.declared) != (None, None)
    if found.total_seconds is not None and is_takeover:
        assert sum(part or 0 for part in parts) <= found.total_seconds
    assert (found.total_seconds is None) == (None in (moments.last_ack, moments.first_ack))
    assert (parts[0] is None) == (None in (moments.fault, moments.alarm))
    order = moments.operator_asked if moments.alarm is None else moments.alarm
    assert (parts[1] is None) == (None in (order, moments.tool_started))
    assert (parts[2] is None) == (None in (moments.tool_started, moments.declared))
    assert (parts[3] is None) == (None in (moments.declared, moments.first_ack))
