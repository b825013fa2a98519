"""The rule of one delivery at most, on any journal that processes killed at any point can leave."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from nonreg.alerts.delivery import ABANDONED_AFTER, PAUSES_SECONDS, Event, State, Step, judge_delivery

AT = datetime(2026, 11, 23, 1, 30, tzinfo=UTC)
# What one process may leave: killed before the handing over, after it, or gone to its end.
LEFT = st.sampled_from(
    [
        (Step.ATTEMPT,),
        (Step.ATTEMPT, Step.HANDED),
        (Step.ATTEMPT, Step.REFUSED),
        (Step.ATTEMPT, Step.HANDED, Step.REFUSED),
        (Step.ATTEMPT, Step.HANDED, Step.DELIVERED),
        (Step.ATTEMPT, Step.HANDED, Step.UNKNOWN),
    ]
)


def make_events(*steps: Step, at: datetime = AT) -> tuple[Event, ...]:
    return tuple(Event(step, at, step.value) for step in steps)


@given(st.lists(LEFT, max_size=8), st.integers(0, 10 * 86_400))
def test_what_somebody_may_have_taken_is_never_sent_again(left: list[tuple[Step, ...]], seconds: int) -> None:
    """Processes follow each other, each asking before it sends, as the outbox does."""
    events: tuple[Event, ...] = ()
    at, taken = AT, 0
    for steps in left:
        state = judge_delivery(events, AT, at).state
        if state is State.UNSETTLED:
            events += make_events(Step.UNKNOWN, at=at)
        elif state is State.DUE:
            events += make_events(*steps, at=at)
            taken += Step.HANDED in steps and Step.REFUSED not in steps
        at += timedelta(seconds=seconds)
        assert taken <= 1


def test_a_process_killed_before_it_handed_the_mail_over_costs_nothing() -> None:
    assert judge_delivery(make_events(Step.ATTEMPT), AT, AT).state is State.DUE


def test_a_process_killed_after_it_handed_the_mail_over_leaves_it_for_good() -> None:
    later = AT + timedelta(days=30)
    assert judge_delivery(make_events(Step.ATTEMPT, Step.HANDED), AT, later).state is State.UNSETTLED


def test_each_refusal_makes_the_pause_longer() -> None:
    refusals: tuple[Event, ...] = ()
    for pause in (*PAUSES_SECONDS, PAUSES_SECONDS[-1]):
        refusals += make_events(Step.ATTEMPT, Step.REFUSED)
        before = AT + timedelta(seconds=pause - 1)
        waiting = judge_delivery(refusals, AT, before)
        assert waiting.state is State.WAITING
        assert waiting.next_at == AT + timedelta(seconds=pause)
        assert judge_delivery(refusals, AT, before + timedelta(seconds=1)).state is State.DUE


def test_what_is_refused_for_days_is_abandoned_and_keeps_its_reason() -> None:
    refused = make_events(Step.ATTEMPT, Step.REFUSED)
    standing = judge_delivery(refused, AT, AT + ABANDONED_AFTER)
    assert (standing.state, standing.detail) == (State.ABANDONED, "refus")


def test_what_was_never_tried_is_sent_however_old_it_is() -> None:
    assert judge_delivery((), AT, AT + 10 * ABANDONED_AFTER).state is State.DUE
