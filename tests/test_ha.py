"""The group of database nodes: judged once, by role; no false alarm from a passive node, none missed."""

from __future__ import annotations

import dataclasses

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonreg.clients.sql import Rows
from nonreg.config import HaKind, load_platform
from nonreg.errors import ConfigError, RequestFailed
from nonreg.ha.driver import choose_driver
from nonreg.ha.group import GroupHealth, Health, is_split_brain, judge_group
from nonreg.model import SiteRole
from nonreg.probes.nodes import Node, require_known
from nonreg.probes.replication import DistributorElsewhere, require_distributor
from nonreg.sandbox import postgres
from nonreg.sandbox.layout import DATABASE, PASSIVE, Layout
from nonreg.waiting import wait_until
from tests.governed import Governed

ACTIVE_NODE = Node("A", "ACTIF", 1, subscribers=1, slots=1)
PASSIVE_NODE = Node("B", "PASSIF", 1, subscriptions=1, declared=1)
NODES = st.builds(
    Node,
    site=st.just("?"),
    role=st.sampled_from(["", "ACTIF", "PASSIF", "EN ATTENTE"]),
    mandate=st.integers(0, 3),
    subscribers=st.integers(0, 2),
    subscriptions=st.integers(0, 2),
    unknown=st.sampled_from(["", "un droit manque"]),
)


def test_a_passive_node_without_publisher_agents_is_as_it_must_be() -> None:
    assert judge_group((ACTIVE_NODE, PASSIVE_NODE), "A") == GroupHealth(Health.SOUND)


@pytest.mark.parametrize(
    ("active", "passive", "health", "problems"),
    [
        ({"role": "PASSIF", "subscribers": 0}, {"role": "ACTIF", "subscriptions": 0}, Health.BROKEN,
         ("A est PASSIF, ACTIF attendu", "B est ACTIF, PASSIF attendu")),
        ({}, {"role": "ACTIF"}, Health.BROKEN,
         ("plusieurs sites se disent actifs : A, B", "B est ACTIF, PASSIF attendu")),
        ({"mandate": 2}, {}, Health.BROKEN, ("mandats différents : 2 et 1",)),
        ({"subscribers": 0}, {"subscriptions": 0}, Health.BROKEN, ("la réplication de A vers B ne passe pas",)),
        ({"subscribers": 0}, {}, Health.BROKEN, ("A alimente 0 abonné(s), 1 attendu(s)",)),
        ({}, {"subscribers": 1}, Health.BROKEN, ("une réplication de B vers A est restée",)),
        ({"subscriptions": 1}, {}, Health.BROKEN, ("une réplication de B vers A est restée",)),
        ({}, {"role": ""}, Health.UNKNOWN, ("la base de B ne répond pas",)),
        ({}, {"role": "", "unknown": "un droit manque"}, Health.UNKNOWN, ("un droit manque",)),
        ({"subscribers": 0, "unknown": "Distributeur ailleurs"}, {}, Health.UNKNOWN, ("Distributeur ailleurs",)),
        ({"role": "PASSIF", "unknown": "Distributeur ailleurs"}, {}, Health.BROKEN,
         ("A est PASSIF, ACTIF attendu", "Distributeur ailleurs")),
        ({"role": "PASSIF"}, {"role": ""}, Health.BROKEN,
         ("A est PASSIF, ACTIF attendu", "la base de B ne répond pas")),
    ],
)  # fmt: skip
def test_what_is_wrong_with_the_group_is_named_once(
    active: dict[str, object], passive: dict[str, object], health: Health, problems: tuple[str, ...]
) -> None:
    nodes = (
        dataclasses.replace(ACTIVE_NODE, **active),  # type: ignore[arg-type]
        dataclasses.replace(PASSIVE_NODE, **passive),  # type: ignore[arg-type]
    )
    assert judge_group(nodes, "A") == GroupHealth(health, problems)


@given(NODES, NODES)
def test_a_group_is_sound_only_when_everything_about_it_is(first: Node, second: Node) -> None:
    nodes = (dataclasses.replace(first, site="A"), dataclasses.replace(second, site="B"))
    found = judge_group(nodes, "A")
    is_sound = (
        [node.role for node in nodes] == ["ACTIF", "PASSIF"]
        and nodes[0].mandate == nodes[1].mandate
        and (nodes[0].subscribers, nodes[1].subscriptions) == (1, 1)
        and not nodes[0].subscriptions
        and not nodes[1].subscribers
        and not any(node.unknown for node in nodes)
    )
    assert (found.health is Health.SOUND) is is_sound
    assert bool(found.problems) is not is_sound
    assert is_split_brain(nodes) is all(node.role == "ACTIF" for node in nodes)
    assert judge_group(nodes[::-1], "A").health is found.health


def test_the_embedded_platform_answers_as_a_group_and_a_stopped_subscription_breaks_it(
    sandbox: Layout,
) -> None:
    driver = choose_driver(load_platform(str(sandbox.platform_file)))
    assert driver.health() == GroupHealth(Health.SOUND)
    assert [driver.role(node.site) for node in driver.peers()] == [SiteRole.ACTIF, SiteRole.PASSIF]
    assert not driver.is_split_brain()
    assert driver.quiesce(20.0) < 20
    assert len(driver.planned_switch_steps()) == 6
    (lag,) = driver.lag().values()
    assert lag.endswith(" octets")
    with psycopg.connect(postgres.admin_dsn(sandbox, PASSIVE, DATABASE), autocommit=True) as admin:
        admin.execute("ALTER SUBSCRIPTION sub_site_b DISABLE")
        try:
            wait_until(lambda: driver.health().health is Health.BROKEN, 20)
            assert "ne passe pas" in driver.health().problems[0]
        finally:
            admin.execute("ALTER SUBSCRIPTION sub_site_b ENABLE")
            wait_until(lambda: driver.health().health is Health.SOUND, 20)


def test_a_right_that_is_missing_is_told_as_such_and_breaks_nothing(sandbox: Layout) -> None:
    """Not as a base that does not answer, nor as a replication that stopped."""
    platform = load_platform(str(sandbox.platform_file))
    with psycopg.connect(postgres.admin_dsn(sandbox, PASSIVE, DATABASE), autocommit=True) as admin:
        admin.execute("REVOKE pg_monitor FROM nr_reader")
        admin.execute("REVOKE SELECT ON pg_stat_subscription FROM PUBLIC")
        try:
            found = choose_driver(platform).health()
        finally:
            admin.execute("GRANT SELECT ON pg_stat_subscription TO PUBLIC")
            admin.execute("GRANT pg_monitor TO nr_reader")
    assert found.health is Health.UNKNOWN
    (problem,) = found.problems
    assert "ne répond pas" not in problem
    assert "pg_stat_subscription" in problem


def test_nodes_of_which_something_is_unknown_are_not_judged() -> None:
    assert require_known((ACTIVE_NODE, PASSIVE_NODE)) == (ACTIVE_NODE, PASSIVE_NODE)
    with pytest.raises(RequestFailed, match="ne se lit pas : un droit manque"):
        require_known((dataclasses.replace(ACTIVE_NODE, unknown="un droit manque"), PASSIVE_NODE))


def test_a_distributor_elsewhere_is_told_before_anything_of_it_is_asked() -> None:
    class Publisher:
        site_code = "SITE-A"

        def query(self, name: str) -> Rows:
            return Rows(("publisher", "publisher_db", "is_elsewhere"), (("SRV-A", "AQUAREEL", True),), name)

    with pytest.raises(DistributorElsewhere, match=r"Distributeur de SITE-A est sur un autre serveur"):
        require_distributor(Publisher())  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", [one for one in HaKind if one is not HaKind.TRANSACTIONAL_REPLICATION])
def test_a_technology_that_has_only_its_place_is_told_in_one_sentence(
    governed: Governed, kind: HaKind
) -> None:
    with pytest.raises(ConfigError, match=r"pas encore prise en charge \(elle lirait .+\)"):
        choose_driver(dataclasses.replace(governed.platform, ha=kind))
