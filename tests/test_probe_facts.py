"""The exact environment of a run, read on the embedded platform."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from pathlib import Path

import pytest

from nonreg import environment as env
from nonreg.config import Odbc, load_platform
from nonreg.model import Cause, Fact, SiteRole
from nonreg.probes.facts import DATABASE_READS, read_facts, show_gigabytes, show_offset, state_encryption
from nonreg.sandbox.layout import Layout
from tests.governed import Governed

MARK = datetime(2026, 11, 23, 1, 30, 0, 250_000, tzinfo=UTC)


@pytest.fixture(scope="module")
def facts(sandbox: Layout) -> tuple[Fact, ...]:
    return read_facts(load_platform(str(sandbox.platform_file)), MARK)


def value_of(facts: tuple[Fact, ...], subject: str, name: str) -> str:
    return env.find_value(facts, subject, name)


def test_everything_is_read_on_a_sound_platform(facts: tuple[Fact, ...]) -> None:
    assert [fact for fact in facts if env.is_unknown(fact.value)] == []
    assert value_of(facts, "SITE-A", env.DATASET) == "grand-delta-1"
    assert value_of(facts, "SITE-A", env.PUBLICATIONS) == "pub_aquareel (21 articles)"
    assert value_of(facts, "SITE-B", env.SUBSCRIPTIONS) == "sub_site_b activé (21 articles, dont 21 prêts)"
    assert value_of(facts, "SITE-B", env.AGENTS) == "réception sub_site_b : en marche"
    assert value_of(facts, "SITE-S", env.ROLE) == "SURVEILLANCE"
    assert value_of(facts, "SITE-S", env.SERVICE_VERSION + "puits") == "5.2.0"
    assert value_of(facts, env.BENCH, env.LOG_MARK) == "2026-11-23T01:30:00.250Z"
    assert {fact.subject for fact in facts if fact.name == env.POSITION_MARK} == {"SITE-A", "SITE-B"}


def test_both_databases_have_the_same_structure(facts: tuple[Fact, ...]) -> None:
    names = {fact.name for fact in facts if fact.name.startswith(env.SCHEMA)}
    assert len(names) == 7
    for name in names:
        assert value_of(facts, "SITE-A", name) == value_of(facts, "SITE-B", name)


def test_two_readings_differ_only_in_what_varies_by_nature(sandbox: Layout, facts: tuple[Fact, ...]) -> None:
    again = read_facts(load_platform(str(sandbox.platform_file)))
    assert [(fact.subject, fact.name) for fact in again] == [(fact.subject, fact.name) for fact in facts]
    assert {fact.name for fact in set(again) - set(facts)} <= set(env.VARYING)


def test_no_fact_holds_a_secret_an_address_or_an_account(sandbox: Layout, facts: tuple[Fact, ...]) -> None:
    private = [*sandbox.secrets().values(), sandbox.network, "nr_reader", "nr_writer", "+330"]
    site_facts = [fact for fact in facts if fact.subject != env.SCOPE]
    assert [fact for fact in site_facts for word in private if word in fact.value] == []


@pytest.mark.parametrize(
    ("old", "new", "unread", "read"),
    [
        ("port = 2222", "port = 2999", env.SYSTEM, env.DATASET),
        ("port = 5432", "port = 5999", env.DATASET, env.SYSTEM),
    ],
)
def test_what_a_dead_part_does_not_say_has_its_reason_and_the_rest_is_read(
    sandbox: Layout, tmp_path: Path, old: str, new: str, unread: str, read: str
) -> None:
    file = tmp_path / "plateforme.toml"
    file.write_text(sandbox.platform_file.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    found = read_facts(load_platform(str(file)))
    reason = value_of(found, "SITE-A", unread)
    assert reason.startswith("n.d. (")
    assert "est injoignable" in reason
    assert sandbox.network not in reason
    assert not env.is_unknown(value_of(found, "SITE-A", read))
    assert not env.is_unknown(value_of(found, "SITE-B", unread))


def test_a_request_that_fails_does_not_take_the_next_ones_along(
    sandbox: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(
        DATABASE_READS, env.SERVER_VERSION, lambda session: str(session.execute("SELECT rien").scalar())
    )
    found = read_facts(load_platform(str(sandbox.platform_file)))
    assert value_of(found, "SITE-A", env.SERVER_VERSION).startswith("n.d. (La base de SITE-A rejette")
    unread = {fact.name for fact in found if env.is_unknown(fact.value)}
    assert unread == {env.SERVER_VERSION}


def test_every_fact_belongs_to_a_part_of_the_world(facts: tuple[Fact, ...]) -> None:
    owners = {
        env.APPLICATION_VERSION: Cause.APPLICATION,
        env.SERVICE_VERSION + "client": Cause.APPLICATION,
        env.MODULES: Cause.APPLICATION,
        env.CONFIGURATION + "affinage.json": Cause.APPLICATION,
        env.SETTINGS: Cause.ENVIRONNEMENT,
        env.SERVER_VERSION: Cause.ENVIRONNEMENT,
        env.SUBSCRIPTIONS: Cause.ENVIRONNEMENT,
        env.DATASET: Cause.BANC_DE_TEST,
    }
    for name, owner in owners.items():
        assert env.owner_of("SITE-A", name) is owner
        assert any(fact.name == name for fact in facts)
    assert env.owner_of(env.BENCH, env.PYTHON) is Cause.BANC_DE_TEST


def test_figures_are_rounded_to_what_matters() -> None:
    assert [show_offset(value) for value in (-0.04, 0.26, -3.14)] == ["0,0 s", "0,3 s", "-3,1 s"]
    assert [show_gigabytes(value) for value in (268_435_456, 84_123_456_789)] == ["0,3 Go", "84 Go"]


@pytest.mark.parametrize(
    ("engine", "odbc", "said"),
    [
        ("postgresql", Odbc(), []),
        ("mssql", Odbc(), ["TLS (yes), certificat du serveur vérifié"]),
        ("mssql", Odbc(encrypt="strict"), ["TLS (strict), certificat du serveur vérifié"]),
        (
            "mssql",
            Odbc(trust_server_certificate=True),
            ["TLS, certificat du serveur NON vérifié (trust_server_certificate)"],
        ),
        ("mssql", Odbc(encrypt="no", trust_server_certificate=True), ["aucun (encrypt = « no »)"]),
    ],
)
def test_how_the_link_to_sql_server_is_protected_is_a_fact_of_the_run(
    governed: Governed, engine: str, odbc: Odbc, said: list[str]
) -> None:
    database = governed.platform.site(SiteRole.ACTIF).database
    assert database is not None
    found = state_encryption(dataclasses.replace(database, engine=engine, odbc=odbc))
    assert [value for _, value in found] == said
