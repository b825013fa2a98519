"""The rules of delivery, whatever fails and whenever: nothing lost, nothing doubled, order kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonreg.tracker.delivery import (
    PAUSES_SECONDS,
    SETTLE_SECONDS,
    Event,
    Standing,
    State,
    Step,
    choose_next,
    judge,
)

AT = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
FAULTS = ("ok", "refused", "denied", "ticket", "aside", "lost", "late", "killed before", "killed after")
REFUSALS = {
    "refused": Step.NOT_NOW,
    "denied": Step.DENIED,
    "ticket": Step.TICKET_DENIED,
    "aside": Step.ASIDE,
}
UNDER_WAY_SECONDS = 59.0  # how long a tracker may work on a request whose answer we no longer wait for
TURNS = st.lists(
    st.tuples(st.sampled_from(FAULTS), st.sampled_from([0.0, 5.0, 59.0, 61.0, 1000.0])), max_size=40
)


@dataclass
class World:
    """A tracker, and a deliverer that only knows its journals; `late` writes land up to a minute after the answer."""

    journals: list[list[Event]]
    now: datetime = AT
    written: list[int] = field(default_factory=list)
    late: list[tuple[datetime, int]] = field(default_factory=list)
    hurried: bool = False
    tickets: int = 1

    def list_tickets(self) -> list[str]:
        return [str(place % self.tickets) for place in range(len(self.journals))]

    def settle(self) -> None:
        """What was still under way arrives."""
        for due, note in [one for one in self.late if one[0] <= self.now]:
            self.late.remove((due, note))
            self.written.append(note)

    def turn(self, fault: str) -> None:
        """One attempt, if one may be made."""
        self.settle()
        standings = [judge(tuple(one), self.now, hurried=self.hurried) for one in self.journals]
        place = choose_next(standings, self.list_tickets())
        if place is None:
            return
        note = self.journals[place]

        def log(step: Step) -> None:
            note.append(Event(step, self.now, "" if step is Step.DELIVERED else fault))

        log(Step.ATTEMPT)
        if place in self.written:
            log(Step.DELIVERED)
        elif fault in REFUSALS:
            log(REFUSALS[fault])
        elif fault == "late":
            self.late.append((self.now + timedelta(seconds=UNDER_WAY_SECONDS), place))
            log(Step.NOT_NOW)
        elif fault != "killed before":
            self.written.append(place)
            if fault == "ok":
                log(Step.DELIVERED)
            elif fault == "lost":
                log(Step.NOT_NOW)


@given(st.integers(1, 6), st.integers(1, 3), TURNS, st.booleans())
def test_whatever_fails_nothing_is_lost_or_doubled_and_order_is_kept(
    count: int, tickets: int, turns: list[tuple[str, float]], hurried: bool
) -> None:
    world = World([[] for _ in range(count)], hurried=hurried, tickets=tickets)
    for fault, seconds in turns:
        world.turn(fault)
        world.now += timedelta(seconds=seconds)
    for _ in range(2 * count + 2):  # at last all is well
        world.now += timedelta(seconds=max(PAUSES_SECONDS))
        world.turn("ok")
    aside = {place for place, one in enumerate(world.journals) if one[-1].step is Step.ASIDE}
    assert sorted(world.written) == [place for place in range(count) if place not in aside]
    for ticket in range(tickets):  # and over all tickets, as long as no ticket was refused
        own = [one for one in world.written if one % tickets == ticket]
        assert own == sorted(own)
    if all(fault != "ticket" for fault, _ in turns):
        assert world.written == sorted(world.written)


def test_a_ticket_that_is_refused_holds_back_what_goes_there_and_nothing_else() -> None:
    refused = (Event(Step.ATTEMPT, AT), Event(Step.TICKET_DENIED, AT, "403"))
    standings = [judge(one, AT) for one in (refused, (), ())]
    assert choose_next(standings, ["a", "a", "b"]) == 2
    assert choose_next(standings, ["a", "a", "a"]) is None
    killed = judge((*refused, Event(Step.ATTEMPT, AT)), AT)
    assert choose_next([killed, Standing(State.DUE)], ["a", "b"]) is None  # it may be under way
    assert choose_next([Standing(State.DUE)] * 2, ["a", "b"], frozenset("a")) == 1


@given(st.lists(st.sampled_from(list(State)), max_size=12))
def test_what_is_sent_next_is_the_first_that_is_neither_delivered_nor_aside(states: list[State]) -> None:
    place = choose_next([Standing(one) for one in states], ["a"] * len(states))
    open_ones = [at for at, one in enumerate(states) if one in (State.DUE, State.PAUSED)]
    first = open_ones[0] if open_ones else None
    assert place == (first if first is not None and states[first] is State.DUE else None)


def test_pauses_grow_and_end() -> None:
    events: list[Event] = []
    now, pauses = AT, []
    for _ in range(6):
        events += [Event(Step.ATTEMPT, now), Event(Step.NOT_NOW, now, "injoignable")]
        standing = judge(tuple(events), now)
        assert standing.next_at is not None
        pauses.append((standing.next_at - now).total_seconds())
        now = standing.next_at
        assert judge(tuple(events), now).state is State.DUE
    assert pauses == [*PAUSES_SECONDS, PAUSES_SECONDS[-1], PAUSES_SECONDS[-1]]


def test_a_clock_that_was_put_back_holds_nothing_up() -> None:
    events = (Event(Step.ATTEMPT, AT), Event(Step.NOT_NOW, AT, "injoignable"))
    assert judge(events, AT - timedelta(days=1)).state is State.DUE


def test_what_was_put_aside_waits_for_a_person_and_goes_once_they_say_so() -> None:
    events = (Event(Step.ATTEMPT, AT), Event(Step.ASIDE, AT, "ticket inconnu"))
    assert judge(events, AT + timedelta(days=400)).state is State.ASIDE
    assert judge((*events, Event(Step.AGAIN, AT)), AT).state is State.DUE


@pytest.mark.parametrize(
    ("step", "seconds"), [(Step.DENIED, 0.0), (Step.TICKET_DENIED, 0.0), (Step.NOT_NOW, SETTLE_SECONDS)]
)
def test_whoever_is_hurried_waits_only_for_what_may_be_under_way(step: Step, seconds: float) -> None:
    events = tuple(Event(one, AT, "refus") for _ in range(4) for one in (Step.ATTEMPT, step))
    assert judge(events, AT + timedelta(seconds=seconds + 1)).state is State.PAUSED
    assert judge(events, AT + timedelta(seconds=seconds), hurried=True).state is State.DUE
