"""Bringing the roles back: decided from both nodes' own view, never over the data of the latest mandate."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonreg.faults.roles import ACTIVE, PASSIVE, WAITING, Move, Step, decide
from nonreg.probes.nodes import Node

SITES = ("SITE-A", "SITE-B")
MAX_MOVES = 6


def node(site: str, role: str, mandate: int = 1, subscribers: int = 0, subscriptions: int = 0) -> Node:
    """One node."""
    return Node(site, role, mandate, subscribers, subscriptions)


def nodes() -> st.SearchStrategy[tuple[Node, Node]]:
    """Any two nodes that answer."""
    one = st.tuples(
        st.sampled_from([ACTIVE, PASSIVE, WAITING]), st.integers(1, 3), st.integers(0, 1), st.integers(0, 1)
    )
    return st.tuples(one, one).map(lambda pair: (node("SITE-A", *pair[0]), node("SITE-B", *pair[1])))


def play(move: Move, site: str, pair: tuple[Node, Node]) -> tuple[Node, Node]:
    """What the switchover tool does of it: one active site, a streaming passive one, a new mandate."""
    mandate = max(one.mandate for one in pair) + 1
    active = site if move is Move.SWITCH else next(name for name in SITES if name != site)
    first, second = (
        node(name, ACTIVE, mandate, 1, 0) if name == active else node(name, PASSIVE, mandate, 0, 1)
        for name in SITES
    )
    return first, second


@given(nodes(), st.sampled_from(SITES))
def test_every_state_that_a_command_may_settle_leads_to_the_nominal_roles(
    pair: tuple[Node, Node], nominal: str
) -> None:
    for _ in range(MAX_MOVES):
        step = decide(nominal, pair, patient=False)
        if step.move is Move.DONE:
            assert [one.role for one in pair if one.site == nominal] == [ACTIVE]
            return
        if step.move is Move.PERSON:
            claiming = [one for one in pair if one.role != PASSIVE]
            if len(claiming) == 2:
                assert pair[0].mandate == pair[1].mandate
            else:
                assert claiming[0].mandate < max(one.mandate for one in pair)
            return
        assert step.move in (Move.SWITCH, Move.REINITIALISE)
        pair = play(step.move, step.site, pair)
    pytest.fail("no end")


@given(nodes(), st.sampled_from(SITES), st.booleans())
def test_a_copy_never_overwrites_the_only_site_declared_active_nor_the_latest_mandate(
    pair: tuple[Node, Node], nominal: str, patient: bool
) -> None:
    step = decide(nominal, pair, patient=patient)
    if step.move is Move.REINITIALISE:
        victim = next(one for one in pair if one.site == step.site)
        kept = next(one for one in pair if one.site != step.site)
        assert kept.role in (ACTIVE, WAITING)
        assert victim.mandate <= kept.mandate
        assert victim.role == PASSIVE or victim.mandate < kept.mandate


@given(nodes(), st.sampled_from(SITES), st.booleans(), st.sampled_from(SITES))
def test_nothing_is_decided_while_a_node_is_silent(
    pair: tuple[Node, Node], nominal: str, patient: bool, silent: str
) -> None:
    first, second = (dataclasses.replace(one, role="") if one.site == silent else one for one in pair)
    assert decide(nominal, (first, second), patient=patient).move is Move.WAIT


@pytest.mark.parametrize(("patient", "move"), [(True, Move.WAIT), (False, Move.PERSON)])
def test_a_replication_that_cannot_be_read_is_never_made_again(patient: bool, move: Move) -> None:
    """A refused right, a Distributor elsewhere: none counted is not none running."""
    unread = Node("SITE-A", ACTIVE, 3, unknown="La base de SITE-A refuse ce droit (229).")
    nodes = unread, Node("SITE-B", PASSIVE, 3, subscriptions=1, declared=1)
    assert decide("SITE-A", nodes, patient=patient) == Step(
        move, why="La base de SITE-A refuse ce droit (229)"
    )


def test_links_that_may_come_back_by_themselves_are_waited_for() -> None:
    cut = (Node("SITE-A", ACTIVE, slots=1), Node("SITE-B", PASSIVE, declared=1))
    assert decide("SITE-A", cut, patient=True).move is Move.WAIT
    late = decide("SITE-A", cut, patient=False)
    assert (late.move, late.site) == (Move.REINITIALISE, "SITE-B")


@pytest.mark.parametrize(("slots", "declared"), [(0, 1), (1, 0), (0, 0)])
def test_a_replication_that_nobody_declared_is_not_waited_for(slots: int, declared: int) -> None:
    removed = (Node("SITE-A", ACTIVE, slots=slots), Node("SITE-B", PASSIVE, declared=declared))
    step = decide("SITE-A", removed, patient=True)
    assert (step.move, step.site) == (Move.REINITIALISE, "SITE-B")


def test_an_active_site_that_waits_under_the_latest_mandate_keeps_its_writes() -> None:
    waiting = node("SITE-B", WAITING, 6)
    step = decide("SITE-A", (node("SITE-A", ACTIVE, 5), waiting), patient=False)
    assert (step.move, step.site) == (Move.REINITIALISE, "SITE-A")
    step = decide("SITE-A", (node("SITE-A", PASSIVE, 6), waiting), patient=False)
    assert (step.move, step.site) == (Move.REINITIALISE, "SITE-A")


def test_a_passive_site_under_a_later_mandate_is_overwritten_by_nobody_but_a_person() -> None:
    pair = (node("SITE-A", ACTIVE, 5), node("SITE-B", PASSIVE, 6))
    assert decide("SITE-A", pair, patient=True).move is Move.WAIT
    assert decide("SITE-A", pair, patient=False).move is Move.PERSON
