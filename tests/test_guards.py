"""Every guard is seen to refuse, and nothing is executed when one does."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import psutil
import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonreg.config import Allowed, Platform, load_platform
from nonreg.guards import blocks, check_guards, is_denied
from nonreg.lock import hold_platform_lock
from nonreg.model import CampaignPlan, Effect, GuardResult, GuardStatus, Nature, SiteRole
from nonreg.sandbox import postgres
from nonreg.sandbox.layout import ACTIVE, DATABASE, Layout
from tests.campaigns import run_campaign


@pytest.fixture
def platform(sandbox: Layout) -> Platform:
    return load_platform(str(sandbox.platform_file))


def ask(platform: Platform, **plan_changes: object) -> dict[str, GuardResult]:
    """Answers of all guards, by id, with the lock held."""
    at = datetime.now(UTC)
    plan = CampaignPlan(
        "essai", "0", platform.identity(), "AQ-1", "moi", at, (), "", (), "0", "0", "commande"
    )
    with hold_platform_lock(platform) as lock:
        results = check_guards(platform, dataclasses.replace(plan, **plan_changes), lock)  # type: ignore[arg-type]
    return {guard.id: guard for guard in results}


def allow(platform: Platform, **changes: object) -> Platform:
    allowed: Allowed = dataclasses.replace(platform.allowed, **changes)  # type: ignore[arg-type]
    return dataclasses.replace(platform, allowed=allowed)


def swap_roles(platform: Platform) -> Platform:
    roles = {SiteRole.ACTIF: SiteRole.PASSIF, SiteRole.PASSIF: SiteRole.ACTIF}
    sites = tuple(dataclasses.replace(site, role=roles.get(site.role, site.role)) for site in platform.sites)
    return dataclasses.replace(platform, sites=sites)


@pytest.fixture
def admin(sandbox: Layout) -> Iterator[psycopg.Connection]:
    with psycopg.connect(postgres.admin_dsn(sandbox, ACTIVE, DATABASE), autocommit=True) as connection:
        yield connection


def test_all_guards_pass_on_a_sound_platform(platform: Platform) -> None:
    answers = ask(platform)
    assert {guard.status for guard in answers.values()} == {GuardStatus.PASSED}
    assert list(answers) == [f"PRE-{number:02}" for number in range(1, 11)]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda p: dataclasses.replace(p, nature=Nature.PROD), "déclare la nature PROD"),
        (lambda p: dataclasses.replace(p, identity_token="0" * 36), "jeton d'une autre plateforme"),
        (lambda p: allow(p, servers=()), "pas dans la liste autorisée"),
        (lambda p: allow(p, denied_servers=("127.0.0.0/8",)), "est interdit"),
    ],
)
def test_pre_01_refuses_what_is_not_the_test_platform(platform: Platform, change: object, words: str) -> None:
    answers = ask(change(platform))  # type: ignore[operator]
    assert answers["PRE-01"].status is GuardStatus.REFUSED
    assert words in answers["PRE-01"].message
    assert {answers[f"PRE-{n:02}"].status for n in range(2, 11)} == {GuardStatus.NOT_ASKED}


def test_pre_01_refuses_a_database_without_marker(platform: Platform, admin: psycopg.Connection) -> None:
    admin.execute("CREATE TEMPORARY TABLE garde AS SELECT * FROM cfg.identite_plateforme")
    admin.execute("DELETE FROM cfg.identite_plateforme")
    try:
        assert "pas de marqueur" in ask(platform)["PRE-01"].message
    finally:
        admin.execute("INSERT INTO cfg.identite_plateforme SELECT * FROM garde")


def test_pre_02_refuses_sites_in_other_roles(platform: Platform) -> None:
    answer = ask(swap_roles(platform))["PRE-02"]
    assert answer.status is GuardStatus.REFUSED
    assert "SITE-A se déclare ACTIF, PASSIF attendu" in answer.message


def test_pre_03_refuses_a_real_recipient_and_does_not_show_it(platform: Platform) -> None:
    answer = ask(allow(platform, recipients=("+3300000*",)))["PRE-03"]
    assert answer.status is GuardStatus.REFUSED
    assert "ope_mail" in answer.message
    assert "@" not in answer.message
    assert "+33" not in answer.message


def test_pre_04_refuses_an_export_to_another_host(platform: Platform) -> None:
    answer = ask(allow(platform, export_hosts=("ailleurs.invalid",)))["PRE-04"]
    assert answer.status is GuardStatus.REFUSED
    assert "anduze_csv" in answer.message


def test_pre_05_refuses_crisis_mode(platform: Platform, admin: psycopg.Connection) -> None:
    admin.execute("UPDATE cfg.parametre SET prm_valeur = '1' WHERE prm_code = 'MODE_CRISE'")
    try:
        answer = ask(platform)["PRE-05"]
    finally:
        admin.execute("UPDATE cfg.parametre SET prm_valeur = '0' WHERE prm_code = 'MODE_CRISE'")
    assert answer.status is GuardStatus.REFUSED
    assert "mode crise" in answer.message


def test_pre_05_refuses_a_second_campaign_and_says_who_holds_the_platform(platform: Platform) -> None:
    with hold_platform_lock(platform) as first:
        assert first.held
        answer = ask(platform)["PRE-05"]
    assert answer.status is GuardStatus.REFUSED
    assert "aquareel-nonreg (session " in answer.message
    assert ask(platform)["PRE-05"].status is GuardStatus.PASSED


def test_pre_05_refuses_a_stuck_refinement(platform: Platform, admin: psycopg.Connection) -> None:
    admin.execute(  # no sensor of that id: refinement never takes it
        "INSERT INTO tampon.mesure "
        "(tmp_id, cap_id, tmp_horodatage, tmp_valeur, tmp_source, tmp_site, tmp_recu_utc) "
        "VALUES (-1, -1, '2026-01-01', 1, 'IP', 'ESSAI', '2026-01-01')"
    )
    try:
        answer = ask(platform)["PRE-05"]
    finally:
        admin.execute("DELETE FROM tampon.mesure WHERE tmp_id = -1")
    assert "attendent l'affinage" in answer.message


def test_pre_06_refuses_another_data_set(platform: Platform, admin: psycopg.Connection) -> None:
    admin.execute("UPDATE cfg.parametre SET prm_valeur = 'autre-jeu' WHERE prm_code = 'JEU_DE_DONNEES'")
    try:
        answer = ask(platform)["PRE-06"]
    finally:
        admin.execute(
            "UPDATE cfg.parametre SET prm_valeur = 'grand-delta-1' WHERE prm_code = 'JEU_DE_DONNEES'"
        )
    assert "jeu de données autre-jeu en base" in answer.message


def test_pre_06_refuses_a_missing_baseline(platform: Platform) -> None:
    answer = ask(dataclasses.replace(platform, baseline="inconnue"))["PRE-06"]
    assert "référence absente : inconnue" in answer.message


def test_pre_07_refuses_a_full_disk(platform: Platform) -> None:
    limits = {**platform.limits, "disk_free_bytes": 1e18}
    answer = ask(dataclasses.replace(platform, limits=limits))["PRE-07"]
    assert answer.status is GuardStatus.REFUSED
    assert "Mo libres" in answer.message


def test_pre_07_without_agreed_margin_is_not_applicable(platform: Platform) -> None:
    assert ask(dataclasses.replace(platform, limits={}))["PRE-07"].status is GuardStatus.NOT_APPLICABLE


@pytest.mark.parametrize(
    ("grant", "revoke"),
    [
        ("GRANT UPDATE ON cfg.parametre TO nr_writer", "REVOKE UPDATE ON cfg.parametre FROM nr_writer"),
        (
            "GRANT USAGE ON SCHEMA securite TO nr_reader; GRANT SELECT ON securite.utilisateur TO nr_reader",
            "REVOKE SELECT ON securite.utilisateur FROM nr_reader; REVOKE USAGE ON SCHEMA securite FROM nr_reader",
        ),
    ],
)
def test_pre_08_refuses_an_account_that_can_do_more(
    platform: Platform, admin: psycopg.Connection, grant: str, revoke: str
) -> None:
    admin.execute(grant)
    try:
        answer = ask(platform)["PRE-08"]
    finally:
        admin.execute(revoke)
    assert answer.status is GuardStatus.REFUSED
    assert "peut faire" in answer.message


def test_pre_09_refuses_a_machine_inside_a_production_network(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = SimpleNamespace(address="240.1.2.3")
    monkeypatch.setattr(psutil, "net_if_addrs", lambda: {"tun0": [address]})
    answer = ask(platform)["PRE-09"]
    assert answer.status is GuardStatus.REFUSED
    assert "240.1.2.3" in answer.message


def test_pre_10_refuses_a_run_without_ticket_or_operator(platform: Platform) -> None:
    answer = ask(platform, ticket="", operator="")["PRE-10"]
    assert "ticket absente" in answer.message
    assert "opérateur inconnu" in answer.message


@given(st.ip_addresses(v=4), st.integers(0, 32))
def test_an_address_of_a_denied_network_is_denied(address: object, bits: int) -> None:
    assert is_denied(str(address), (f"{address}/32",))
    assert is_denied("phyc-bdd.exemple.invalid", ("PHyC", f"0.0.0.0/{bits}" if bits == 0 else "10.0.0.0/8"))
    assert not is_denied(str(address), ("phyc",))


def test_a_refused_guard_executes_nothing_and_still_reports(sandbox: Layout, tmp_path: Path) -> None:
    text = sandbox.platform_file.read_text(encoding="utf-8").replace('nature = "TEST"', 'nature = "DEV"')
    file = tmp_path / "dev.toml"
    file.write_text(text, encoding="utf-8")
    report = run_campaign(file, tmp_path / "passage", "base")
    assert report.run.results == ()
    assert blocks(report.run.guards)
    assert report.assessment.verdict == "INCOMPLET"
    assert "PRE-01" in report.assessment.reasons[0]
    assert Effect.DISRUPTIVE not in {found.effect for found in report.run.plan.scenarios}
