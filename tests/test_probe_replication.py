"""Judging replication: agents that flap are not running, a backlog that is absorbed is not growing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonreg.clients.sql import Rows
from nonreg.probes.replication import Backlog, count_errors, describe_agents, is_growing, judge_agents

STEADY = (("sub_site_b", "41", "streaming"),)


def test_one_agent_seen_all_along_is_running() -> None:
    assert judge_agents([STEADY] * 3) == ""


@pytest.mark.parametrize(
    ("samples", "problem"),
    [
        ([], "aucun agent"),
        ([STEADY, ()], "aucun agent"),
        ([(("sub_site_b", "", "absent"),)] * 3, "sub_site_b : absent"),
        ([STEADY, (("sub_site_b", "41", "catchup"),)], "sub_site_b : catchup"),
        (
            [STEADY, (("sub_site_b", "42", "streaming"),)],
            "sub_site_b : agent redémarré pendant l'observation",
        ),
        ([(), STEADY], "sub_site_b : agent redémarré pendant l'observation"),
    ],
)
def test_an_agent_that_stopped_or_changed_is_named(
    samples: list[tuple[tuple[str, str, str], ...]], problem: str
) -> None:
    assert judge_agents(samples) == problem


def test_only_the_slot_without_agent_is_named() -> None:
    both = (*STEADY, ("oublie", "", "absent"))
    assert judge_agents([both, both]) == "oublie : absent"


def test_a_slot_nobody_reads_has_no_agent() -> None:
    rows = Rows(("slot", "agent", "state"), (("a", 7, "streaming"), ("b", None, None)), "")
    assert describe_agents(rows) == (("a", "7", "streaming"), ("b", "", "absent"))


def test_errors_of_all_subscriptions_add_up() -> None:
    assert count_errors(Rows(("s", "a", "c"), (("x", 2, 1), ("y", 0, 4)), "")) == 7
    assert count_errors(Rows(("s", "a", "c"), (), "")) == 0


def backlog(written: int, confirmed: int | None) -> Backlog:
    return Backlog("sub_site_b", "octets", written, confirmed)


def test_a_subscriber_that_confirms_nothing_lets_the_backlog_grow() -> None:
    assert is_growing([backlog(100, 90), backlog(150, 90), backlog(170, 90)])


def test_a_backlog_that_rises_while_the_past_is_absorbed_is_a_flow() -> None:
    assert not is_growing([backlog(100, 90), backlog(200, 180), backlog(400, 350)])


def test_what_nobody_confirms_has_a_size_and_no_growth() -> None:
    rising = [backlog(100, None), backlog(150, None), backlog(170, None)]
    assert [one.pending for one in rising] == [100, 150, 170]
    assert not is_growing(rising)


def test_an_idle_publisher_shows_no_growth() -> None:
    assert not is_growing([backlog(100, 90)] * 3)
    assert not is_growing([backlog(100, 90)])


@given(st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 10**9)), min_size=1, max_size=6))
def test_a_growing_backlog_always_ends_higher_than_it_began(points: list[tuple[int, int]]) -> None:
    samples = [backlog(*point) for point in points]
    if is_growing(samples):
        assert samples[-1].pending > samples[0].pending
        assert samples[-1].confirmed < samples[0].written
    assert all(sample.pending >= 0 for sample in samples)
