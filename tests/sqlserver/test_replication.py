"""Transactional replication between the two stand-ins: what carries, what the scenarios and the driver say of it.

On a server that cannot replicate what needs it is skipped, for that reason; scenarios of one database are run there.
Sound first, then broken in one way each, always healed: a job stopped, a row that differs, two active nodes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from nonreg.clients.result_sets import run_batch
from nonreg.clients.sql import Session, open_session
from nonreg.config import load_platform
from nonreg.errors import ConfigError, RequestFailed
from nonreg.ha.driver import choose_driver
from nonreg.ha.group import Health
from nonreg.model import Outcome, ScenarioResult
from nonreg.probes.replication import NotCaughtUp, read_fresh
from nonreg.probes.replication_monitor import BAD_STATUS, Subscription, parse_subscriptions
from nonreg.sandbox.layout import ACTIVE as ACTIVE_SITE
from nonreg.sandbox.layout import PASSIVE as PASSIVE_SITE
from nonreg.sandbox.mssql import requirements
from nonreg.sandbox.mssql.agents import Agent, start_agent, stop_agent
from nonreg.sandbox.mssql.install import DATABASE, WRITER
from nonreg.sandbox.mssql.replication import PASSIVE_DATABASE
from nonreg.waiting import wait_until
from tests.governed import make_governed
from tests.sandbox.test_mssql_replication import PASSWORDS, Instance, answering
from tests.sqlserver.pair import (
    ACTIVE,
    PASSIVE,
    StandIn,
    list_replicated_scenarios,
    make_pair,
    read_address,
    record,
    write_platform,
)

pytestmark = pytest.mark.sqlserver
SECONDS = 60.0
# Without reference files of this server's own structure, hosts or services: those of a pair, then of one database.
SOUND = (
    *("HD-002", "HD-003", "HD-004", "HD-005", "HD-006", "HD-007"),
    *("HD-008", "HD-009", "HD-009b", "HD-031", "HD-032"),
    *("BASE-007", "BASE-008", "BASE-009", "BASE-010", "BASE-011", "BASE-012", "BASE-013", "BASE-014"),
    *("BASE-015", "BASE-016", "BASE-017", "BASE-018", "BASE-019", "BASE-020", "BASE-021"),
    *("BASE-023", "BASE-024", "BASE-027", "BASE-031", "BASE-032"),
)
ROW = "SELECT COUNT(*) AS n FROM nr.article_essai WHERE id = 991"
# The oldest measure: nothing refines it again.
SHIFT = """
UPDATE m SET mes_valeur = m.mes_valeur + ({by})
FROM prod.mesure m
JOIN (SELECT TOP (1) o.cap_id, o.chr_id FROM prod.mesure o WHERE o.mes_etat = 'OK' ORDER BY o.chr_id, o.cap_id) f
    ON f.cap_id = m.cap_id AND f.chr_id = m.chr_id
"""


@pytest.fixture
def replicating(stand_in: StandIn) -> StandIn:
    """The pair, on a server that can replicate."""
    stand_in.require_replication()
    return stand_in


def act(stand_in: StandIn, database: str, statement: str) -> None:
    """One statement of the administrator's in a database."""
    run_batch(stand_in.connection, f"USE {database}")
    run_batch(stand_in.connection, statement)


def count_row(session: Session) -> int:
    """How many rows a node has of the one that these tests write."""
    session.commit()
    return int(session.execute(ROW).scalar())


def ask_monitor(stand_in: StandIn) -> tuple[Subscription, ...]:
    """What the Replication Monitor says of the subscriptions."""
    with open_session(stand_in.platform, stand_in.platform.site(ACTIVE), autocommit=True) as session:
        (publisher,) = session.query("distributor").dicts()
        rows = session.query(
            "replication_monitor",
            publisher=publisher["publisher"],
            publisher_db=publisher["publisher_db"],
            publication="pub_aquareel",
        )
    return parse_subscriptions(rows)


@contextmanager
def distribution_stopped(stand_in: StandIn) -> Iterator[None]:
    """Nothing arrives at the subscriber; afterwards the group is sound again."""
    driver = choose_driver(stand_in.platform)
    stop_agent(stand_in.connection, Agent.DISTRIBUTION, DATABASE)
    try:
        yield
    finally:
        start_agent(stand_in.connection, Agent.DISTRIBUTION, DATABASE)
        wait_until(lambda: driver.health().health is Health.SOUND, SECONDS, "réplication rétablie", 0.5)


def test_the_platforms_file_has_both_nodes_of_the_server_that_a_connection_string_names(
    tmp_path: Path,
) -> None:
    """Without a server too: every other test here begins with this file."""
    governed = make_governed(tmp_path)
    given = {
        "DRIVER": r"C:\pilote.dll",
        "SERVER": "tcp:srv-essai,1434",
        "TRUSTSERVERCERTIFICATE": "Yes",
        "ENCRYPT": "Optional",
    }
    write_platform(governed, given)
    platform = load_platform(str(governed.platform_file))
    nodes = [platform.site(role).database for role in (ACTIVE, PASSIVE)]
    assert [(one.name, one.reader_user, one.writer_password_env) for one in nodes if one] == [
        (DATABASE, "nr_reader", "AQ_NR_WRITER_PASSWORD"),
        (PASSIVE_DATABASE, "nr_reader_passif", "AQ_NR_WRITER_PASSIF_PASSWORD"),
    ]
    for one in nodes:
        assert one is not None
        assert (one.engine, one.host, one.port) == ("mssql", "srv-essai", 1434)
        assert (one.odbc.driver, one.odbc.trust_server_certificate) == (r"C:\pilote.dll", True)
        assert one.odbc.encrypt == "no"
    assert platform.limits["replication_pending_commands"] == 10000


@pytest.mark.parametrize(
    ("statement", "value", "limit"),
    [
        (requirements.UNFIT_EDITION, "Express Edition (64-bit)", "L'édition de ce serveur (Express"),
        (requirements.AGENT_RUNS, None, "SQL Server Agent n'est pas démarré"),
        (requirements.IS_SYSADMIN, True, ""),
    ],
)
def test_a_server_that_cannot_replicate_has_its_pair_all_the_same_and_the_reason_is_kept(
    monkeypatch: pytest.MonkeyPatch, statement: str, value: object, limit: str
) -> None:
    """Without a server too."""
    monkeypatch.setattr(requirements, "STARTING_SECONDS", 0.05)
    server = answering(Instance(), statement, value)
    said = make_pair(server, PASSWORDS)
    assert said.startswith(limit)
    assert bool(said) == bool(limit)
    assert {DATABASE, PASSIVE_DATABASE} <= server.databases
    assert server.has_distributor == (not limit)


def test_any_other_refusal_or_failure_is_no_reason_to_skip_anything() -> None:
    """Without a server too."""
    with pytest.raises(ConfigError, match="n'est pas sysadmin"):
        make_pair(answering(Instance(), requirements.IS_SYSADMIN, None), PASSWORDS)
    with pytest.raises(RequestFailed, match=r"40_publication\.sql"):
        make_pair(Instance(failing="sp_addarticle"), PASSWORDS)


def test_an_instance_is_told_by_its_port_and_never_taken_for_the_default_one() -> None:
    assert read_address({"SERVER": r"tcp:srv\INST,1434"}) == ("srv", 1434)
    with pytest.raises(ValueError, match="le port de l'instance"):
        read_address({"SERVER": r"tcp:srv\INST"})


def test_a_row_of_an_article_arrives_and_goes_as_it_does_at_the_publisher(
    replicating: StandIn, passive_reader: Session
) -> None:
    act(replicating, DATABASE, "INSERT INTO nr.article_essai (id, valeur) VALUES (991, 1.5)")
    wait_until(lambda: count_row(passive_reader) == 1, SECONDS, "ligne arrivée", 0.5)
    act(replicating, DATABASE, "DELETE FROM nr.article_essai WHERE id = 991")
    wait_until(lambda: count_row(passive_reader) == 0, SECONDS, "ligne partie", 0.5)


def test_the_driver_finds_the_group_sound_and_nothing_left_to_carry(replicating: StandIn) -> None:
    driver = choose_driver(replicating.platform)
    found = driver.health()
    assert (found.health, found.problems) == (Health.SOUND, ())
    assert not driver.is_split_brain()
    assert driver.quiesce(SECONDS) < SECONDS
    lag = driver.lag()
    assert sorted(value.split()[1] for value in lag.values()) == ["commandes", "octets"]
    assert [slot for slot in lag if slot.startswith("pub_aquareel vers ")]


def test_the_monitor_knows_the_one_subscription_by_its_database(replicating: StandIn) -> None:
    (found,) = ask_monitor(replicating)
    assert found.database == PASSIVE_DATABASE
    assert found.status not in BAD_STATUS


@pytest.fixture(scope="module")
def recorded(stand_in: StandIn, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, ScenarioResult]:
    """The scenarios of the pair at rest, in one run."""
    left_out = list_replicated_scenarios() if stand_in.limit else ()
    return record(
        stand_in, tmp_path_factory.mktemp("passage"), *(name for name in SOUND if name not in left_out)
    )


@pytest.mark.parametrize("scenario_id", SOUND)
def test_a_scenario_finds_nothing_wrong_with_the_pair_at_rest(
    stand_in: StandIn, recorded: Mapping[str, ScenarioResult], scenario_id: str
) -> None:
    if scenario_id in list_replicated_scenarios():
        stand_in.require_replication()
    found = recorded[scenario_id]
    assert found.gaps == ()
    if scenario_id == "HD-032":
        assert found.outcome is Outcome.NON_APPLICABLE
        assert found.message.startswith("Poser un jeton de suivi demande db_owner")
    else:
        assert found.outcome.is_passed, found.message


def test_a_tracer_token_reaches_the_subscriber_when_the_account_may_post_it(
    replicating: StandIn, tmp_path: Path
) -> None:
    act(replicating, DATABASE, f"ALTER ROLE db_owner ADD MEMBER {WRITER}")
    try:
        found = record(replicating, tmp_path, "HD-032")["HD-032"]
    finally:
        act(replicating, DATABASE, f"ALTER ROLE db_owner DROP MEMBER {WRITER}")
    assert found.outcome.is_passed, found.message
    assert [measure.name for measure in found.measures if measure.name.startswith("jeton jusqu'à ")]


# Broken


def test_a_distribution_agent_that_is_stopped_breaks_the_group_and_is_named(
    replicating: StandIn, passive_reader: Session, tmp_path: Path
) -> None:
    driver = choose_driver(replicating.platform)
    broken = f"la réplication de {ACTIVE_SITE} vers {PASSIVE_SITE} ne passe pas"
    with distribution_stopped(replicating):
        wait_until(lambda: broken in driver.health().problems, SECONDS, "panne vue", 0.5)
        # The Monitor answers from what it gathers from time to time.
        wait_until(
            lambda: any(one.status in BAD_STATUS for one in ask_monitor(replicating)), SECONDS, "", 0.5
        )
        assert driver.health().health is Health.BROKEN
        found = record(replicating, tmp_path, "HD-003", "HD-031")
        assert {name: one.outcome for name, one in found.items()} == {
            "HD-003": Outcome.KO,
            "HD-031": Outcome.KO,
        }
        assert "arrêté" in found["HD-003"].message
        act(replicating, DATABASE, "INSERT INTO nr.article_essai (id, valeur) VALUES (991, 1.5)")
        try:
            with pytest.raises(NotCaughtUp):
                driver.quiesce(1.0)
            assert count_row(passive_reader) == 0
        finally:
            act(replicating, DATABASE, "DELETE FROM nr.article_essai WHERE id = 991")
    assert driver.quiesce(SECONDS) < SECONDS


def test_a_measure_that_was_changed_on_the_passive_node_is_found(
    replicating: StandIn, tmp_path: Path
) -> None:
    act(replicating, PASSIVE_DATABASE, SHIFT.format(by=1))
    try:
        found = record(replicating, tmp_path, "HD-009")["HD-009"]
    finally:
        act(replicating, PASSIVE_DATABASE, SHIFT.format(by=-1))
    assert found.outcome is Outcome.KO, found.message
    (gap,) = found.gaps
    assert len(gap.rows) == 1
    assert "différente" in gap.rows[0]


def test_two_nodes_that_say_that_they_are_active_are_a_split_brain(
    replicating: StandIn, passive_reader: Session
) -> None:
    driver = choose_driver(replicating.platform)
    declare = "EXEC ha.usp_declarer_role @p_role = 'ACTIF', @p_site = '{}'"
    act(replicating, PASSIVE_DATABASE, declare.format(PASSIVE_SITE))
    try:
        assert driver.is_split_brain()
        (problem, *_) = driver.health().problems
        assert problem == f"plusieurs sites se disent actifs : {ACTIVE_SITE}, {PASSIVE_SITE}"
    finally:
        act(replicating, PASSIVE_DATABASE, declare.format(ACTIVE_SITE))
    assert read_fresh(passive_reader, "site_role").scalar() == PASSIVE
    assert driver.health().health is Health.SOUND


def test_the_scenarios_of_the_two_nodes_need_replication_and_those_of_one_database_do_not() -> None:
    """Without a server too: by the queries that they declare."""
    assert list_replicated_scenarios() & set(SOUND) == {name for name in SOUND if name.startswith("HD-")}
