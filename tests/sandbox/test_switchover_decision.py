"""What the switchover tool decides from what both sites say, whatever an earlier run left."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonreg.sandbox.layout import ACTIVE as SITE_A
from nonreg.sandbox.layout import PASSIVE as SITE_B
from nonreg.sandbox.switchover.decision import (
    Way,
    check_reinitialisation,
    check_takeover,
    decide_switch,
    feeds,
)
from nonreg.sandbox.switchover.nodes import ACTIVE, PASSIVE, WAITING, Node, SwitchoverRefused
from nonreg.sandbox.switchover.replication import Replication, Subscription, subscription_of

ROLE = st.sampled_from([ACTIVE, PASSIVE])


@st.composite
def nodes(draw: st.DrawFn, site: str, other: str) -> Node:
    """A site in any state that a killed tool may leave, and in others."""
    role = draw(ROLE)
    states = [ACTIVE, WAITING] if role == ACTIVE else [PASSIVE]
    subscription = draw(
        st.none()
        | st.builds(
            Subscription,
            st.just(subscription_of(site)),
            st.sampled_from([subscription_of(site), None]),
            st.booleans(),
            st.just(20),
            st.sampled_from([0, 19, 20]),
            st.booleans(),
        )
    )
    slots = draw(st.dictionaries(st.just(subscription_of(other)), st.booleans()))
    replication = Replication(draw(st.booleans()), slots, subscription)
    return Node(
        site,
        {site: role, other: draw(ROLE)},
        draw(st.sampled_from(states)),
        draw(st.integers(1, 5)),
        replication,
    )


def ask(source: Node, target: Node) -> Way | str:
    """The way, or the sentence that refuses."""
    try:
        return decide_switch(source, target)
    except SwitchoverRefused as refusal:
        return str(refusal)


@given(nodes(SITE_A, SITE_B), nodes(SITE_B, SITE_A))
def test_no_site_becomes_active_beside_another_or_without_what_was_acknowledged(
    source: Node, target: Node
) -> None:
    way = ask(source, target)
    if isinstance(way, str):
        assert way.startswith("Bascule refusée : ")
        assert "\n" not in way
        return
    if source.role == ACTIVE:
        assert (way, target.role) == (Way.SWITCH, PASSIVE)
    if way is Way.SWITCH:
        assert feeds(source, target)
        assert target.replication.subscription is not None
        assert target.replication.subscription.copied == 20
    if way in (Way.DECLARE, Way.RESUME):
        assert feeds(target, source)
    if way is Way.DECLARE:
        assert source.replication.subscription is not None
        assert source.replication.subscription.copied == 20


@given(nodes(SITE_A, SITE_B), nodes(SITE_B, SITE_A))
def test_when_nobody_is_active_one_of_both_sites_can_take_the_role(first: Node, second: Node) -> None:
    if ACTIVE in (first.role, second.role):
        return
    answers = ask(first, second), ask(second, first)
    # Two subscriptions at once cannot come from one tool at a time: then neither copy may be taken for complete.
    crossed = first.replication.subscription is not None and second.replication.subscription is not None
    assert crossed or any(isinstance(answer, Way) for answer in answers)
    assert all(isinstance(answer, Way) or "n'est pas complète" in answer for answer in answers)


@given(nodes(SITE_A, SITE_B), nodes(SITE_B, SITE_A))
def test_a_copy_never_overwrites_the_active_site_with_the_latest_mandate(node: Node, active: Node) -> None:
    try:
        check_reinitialisation(node, active)
    except SwitchoverRefused:
        return
    assert active.role == ACTIVE
    assert node.role == PASSIVE or node.mandate <= active.mandate


def make_node(site: str, role: str, mandate: int = 1, state: str = "", copied: int | None = None) -> Node:
    """A site that sees itself in a role; `copied` articles of 20, or no subscription."""
    name = subscription_of(site)
    subscription = None if copied is None else Subscription(name, name, True, 20, copied, True)
    return Node(
        site, {SITE_A: role, SITE_B: role}, state or role, mandate, Replication(False, {}, subscription)
    )


def test_of_two_active_sites_the_refusal_names_the_one_with_the_older_mandate() -> None:
    older, newer = make_node(SITE_A, ACTIVE, 4), make_node(SITE_B, ACTIVE, 5)
    for source, target in ((older, newer), (newer, older)):
        with pytest.raises(SwitchoverRefused, match="« bascule --reinitialiser SITE-A »"):
            decide_switch(source, target)
    with pytest.raises(SwitchoverRefused, match="« bascule --reinitialiser SITE »"):
        decide_switch(older, make_node(SITE_B, ACTIVE, 4))


@pytest.mark.parametrize(
    ("target", "refusal"),
    [
        (make_node(SITE_B, ACTIVE), "est déjà actif"),
        (make_node(SITE_B, PASSIVE, copied=19), "copie incomplète"),
        (make_node(SITE_B, PASSIVE, copied=0), "copie incomplète"),
    ],
)
def test_a_site_that_is_active_or_half_copied_is_not_taken_by_force(target: Node, refusal: str) -> None:
    with pytest.raises(SwitchoverRefused, match=refusal):
        check_takeover(target)


def test_a_complete_or_waiting_site_may_be_taken_by_force() -> None:
    check_takeover(make_node(SITE_B, PASSIVE, copied=20))
    check_takeover(make_node(SITE_B, PASSIVE))
    check_takeover(make_node(SITE_B, ACTIVE, state=WAITING))
