"""Mandates: of two sites that were declared active one gives way, and one that comes back does nothing unasked."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonreg.sandbox.control import start_service, stop_service
from nonreg.sandbox.layout import ACTIVE as SITE_A
from nonreg.sandbox.layout import PASSIVE as SITE_B
from nonreg.sandbox.layout import WITNESS as SITE_S
from nonreg.sandbox.layout import Layout
from nonreg.sandbox.services.mandates import (
    ACTIVE,
    NO_CLAIM,
    PASSIVE,
    WAITING,
    WITNESS,
    Claim,
    Confirm,
    Node,
    StepDown,
    decide,
    find_highest,
)
from nonreg.waiting import wait_until
from tests.sandbox.bench import frame, push, query, read_calls, read_state

pytestmark = pytest.mark.platform

DATABASES = (SITE_A, SITE_B)
SITES = (SITE_A, SITE_B, SITE_S)
claims = st.builds(Claim, st.integers(0, 4), st.sampled_from([None, *DATABASES]))
nodes = st.builds(Node, st.sampled_from(DATABASES), st.sampled_from([ACTIVE, PASSIVE, WAITING]), claims)


@given(nodes, claims, st.lists(nodes, max_size=2), st.booleans())
def test_nobody_is_confirmed_under_a_mandate_below_the_highest_one_or_while_he_hears_nobody(
    node: Node, known: Claim, others: list[Node], answered: bool
) -> None:
    decision = decide(node, known, others, answered=answered)
    if isinstance(decision, Confirm):
        assert node.role == WAITING
        assert answered
        assert known.mandate <= node.claim.mandate == decision.mandate
        assert not any(one.role == ACTIVE and one.claim.mandate >= decision.mandate for one in others)
    if isinstance(decision, StepDown):
        assert decision.mandate > node.claim.mandate
        assert decision.site != node.site


@given(nodes)
def test_who_hears_nobody_stays_as_he_is(node: Node) -> None:
    assert decide(node, node.claim, [], answered=False) is None


def test_of_two_sites_declared_under_one_mandate_the_one_that_comes_back_waits() -> None:
    back, running = Node(SITE_A, WAITING, Claim(1, SITE_A)), Node(SITE_B, ACTIVE, Claim(1, SITE_B))
    assert decide(back, back.claim, [running], answered=True) is None
    assert decide(back, back.claim, [replace(running, role=PASSIVE)], answered=True) == Confirm(1)


@given(st.lists(claims, max_size=5))
def test_the_highest_claim_is_one_of_them_and_names_a_site_if_one_of_its_mandate_does(
    said: list[Claim],
) -> None:
    highest = find_highest(said)
    assert highest in said or (highest, said) == (NO_CLAIM, [])
    assert all(
        (one.mandate, one.active is not None) <= (highest.mandate, highest.active is not None) for one in said
    )


@dataclass
class Module:
    """A supervision module of the model, with the node that it may have and what was heard since it waits."""

    node: Node
    known: Claim = NO_CLAIM
    heard: dict[str, Node] = field(default_factory=dict)
    answered: bool = False


def step(module: Module) -> None:
    """One round of a module, as the service does it."""
    module.known = find_highest(
        [module.node.claim, *(one.claim for one in module.heard.values()), module.known]
    )
    match decide(module.node, module.known, list(module.heard.values()), answered=module.answered):
        case Confirm():
            module.node = replace(module.node, role=ACTIVE)
        case StepDown(site, mandate):
            module.node = Node(module.node.site, PASSIVE, Claim(mandate, site))


def beat(modules: dict[str, Module], sender: str, receiver: str) -> None:
    """One heartbeat that arrives."""
    own = modules[sender]
    said = replace(own.node, claim=find_highest([own.node.claim, own.known]))
    modules[receiver].heard[sender] = said
    modules[receiver].answered = True


def force(modules: dict[str, Module], site: str) -> None:
    """A forced switchover, to the site alone, under the highest mandate that it knows and one."""
    module = modules[site]
    module.node = Node(site, ACTIVE, Claim(max(module.node.claim.mandate, module.known.mandate) + 1, site))


def restart(modules: dict[str, Module], site: str) -> None:
    """The site's database ends and comes back."""
    module = modules[site]
    module.answered = False
    if module.node.role == ACTIVE:
        module.node = replace(module.node, role=WAITING)


operations = st.lists(
    st.one_of(
        st.tuples(st.just("force"), st.sampled_from(DATABASES)),
        st.tuples(st.just("restart"), st.sampled_from(DATABASES)),
        st.tuples(st.just("step"), st.sampled_from(SITES)),
        st.tuples(st.just("beat"), st.permutations(SITES)),
    ),
    max_size=40,
)


@given(operations)
def test_whatever_happened_at_most_one_site_is_active_once_all_hear_each_other(
    history: list[tuple[str, str | list[str]]],
) -> None:
    first = Claim(1, SITE_A)
    modules = {
        SITE_A: Module(Node(SITE_A, ACTIVE, first)),
        SITE_B: Module(Node(SITE_B, PASSIVE, first)),
        SITE_S: Module(Node(SITE_S, WITNESS, NO_CLAIM)),
    }
    for what, who in history:
        if isinstance(who, list):
            beat(modules, who[0], who[1])
        elif what == "step":
            step(modules[who])
        else:
            {"force": force, "restart": restart}[what](modules, who)
    ever = max(module.node.claim.mandate for module in modules.values())
    for _ in range(4):
        for sender in SITES:
            for receiver in SITES:
                if sender != receiver:
                    beat(modules, sender, receiver)
        for module in modules.values():
            step(module)
    acting = [module.node for module in modules.values() if module.node.role == ACTIVE]
    forced_alike = [module.node for module in modules.values() if module.node.claim.mandate == ever]
    if (
        len({node.claim.active for node in forced_alike}) == 1
    ):  # not the same mandate given twice, by two cut sites
        assert [node.claim.mandate for node in acting] == [ever]


def read_node(layout: Layout, site: str) -> tuple[str, int, str]:
    """(role, mandate, active site) that a database gives itself."""
    role, mandate, active = query(layout, site, "SELECT * FROM ha.tvf_noeud()", user="aquareel_app")[0]
    return role, mandate, active


def test_an_active_site_is_confirmed_after_a_restart_but_never_once_another_one_was_declared(
    fresh_sandbox: Layout,
) -> None:
    layout, declare = fresh_sandbox, "SELECT ha.usp_declarer_role('ACTIF', %s, %s)"
    # A planned restart is confirmed at once, since nobody knows better.
    stop_service(layout, SITE_A, "postgresql")
    start_service(layout, SITE_A, "postgresql")
    wait_until(lambda: read_node(layout, SITE_A) == (ACTIVE, 1, SITE_A), 2, "confirmation")

    stop_service(layout, SITE_A, "postgresql")
    query(layout, SITE_B, "ALTER SUBSCRIPTION sub_site_b DISABLE", user="aquareel_admin")
    query(layout, SITE_B, declare, SITE_B, 2, user="aquareel_admin")
    wait_until(lambda: read_state(layout, SITE_S)["actif"] == SITE_B, 5, "bascule connue")
    start_service(layout, SITE_A, "postgresql")
    seen: list[tuple[str, int, str]] = []

    def has_stepped_down() -> bool:
        seen.append(read_node(layout, SITE_A))
        return seen[-1] == (PASSIVE, 2, SITE_B)

    wait_until(has_stepped_down, 5, "ancien actif passif")
    assert {role for role, _, _ in seen} <= {WAITING, PASSIVE}
    insert = "SELECT tampon.usp_inserer('V714401001', 'H', '2026-11-20 06:00', 1, 'IP', 'SITE-A')"
    assert "25006" in catch_refusal(layout, SITE_A, insert)
    reply = push(layout, frame("V714401001", ("H", "2026-11-20T06:00:00", "1")), site=SITE_A)
    assert reply.status_code == 200, "the old site's frontal stores in the new active database"

    # A site that was running all the time steps down too, and a wait that nobody answers does not end.
    query(layout, SITE_A, declare, SITE_A, 3, user="aquareel_admin")
    wait_until(lambda: read_node(layout, SITE_B) == (PASSIVE, 3, SITE_A), 5, "fin des deux actifs")
    assert read_node(layout, SITE_A) == (ACTIVE, 3, SITE_A)
    for site in (SITE_B, SITE_S):
        stop_service(layout, site, "supervision")
    stop_service(layout, SITE_A, "postgresql")
    quiet = "vu_il_y_a_secondes"
    wait_until(
        lambda: min(one[quiet] for one in read_state(layout, SITE_A)["pairs"].values()) > 3, 6, "silence"
    )
    start_service(layout, SITE_A, "postgresql")
    wait_until(lambda: read_state(layout, SITE_A)["role"] == WAITING, 3, "attente vue")
    start_service(layout, SITE_S, "supervision")
    wait_until(lambda: read_node(layout, SITE_A)[0] == ACTIVE, 5, "confirmé")

    # Two that were declared under one mandate both go on, until somebody decides: that is told.
    start_service(layout, SITE_B, "supervision")
    query(layout, SITE_B, declare, SITE_B, 3, user="aquareel_admin")
    told = f"OUVERTURE Deux sites actifs : {SITE_A}, {SITE_B}"
    wait_until(lambda: [call["texte"] for call in read_calls(layout, told)] == [told], 10, "deux actifs")


def catch_refusal(layout: Layout, site: str, statement: str) -> str:
    """SQLSTATE and message of the error that a statement gives; empty when it gives none."""
    try:
        query(layout, site, statement, user="aquareel_app")
    except psycopg.Error as error:
        return f"{error.sqlstate} {error}"
    return ""
