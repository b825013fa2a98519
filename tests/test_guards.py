"""Every guard is seen to refuse, and nothing is executed when one does."""

from __future__ import annotations

import dataclasses
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonreg.config import Allowed, Platform, Web, load_platform
from nonreg.drills.register import HEALED, new_entry_id, open_register
from nonreg.guards import blocks, check_guards, is_denied
from nonreg.lock import hold_platform_lock
from nonreg.model import (
    CampaignPlan,
    DeclaredQueries,
    DrillStage,
    Effect,
    GuardResult,
    GuardStatus,
    Nature,
    PlannedDrill,
    PlannedFault,
    SiteRole,
)
from nonreg.plan import SCENARIOS_DIR, collect_scenarios, list_declared
from nonreg.sandbox import postgres
from nonreg.sandbox.layout import ACTIVE, DATABASE, Layout
from tests.campaigns import run_campaign

DEADLINE_SECONDS = 10.0


@pytest.fixture
def platform(sandbox: Layout) -> Platform:
    return load_platform(str(sandbox.platform_file))


def ask(
    platform: Platform, scenarios_dir: Path = SCENARIOS_DIR, **plan_changes: object
) -> dict[str, GuardResult]:
    """Answers of all guards, by id, with the lock held."""
    at = datetime.now(UTC)
    plan = CampaignPlan(
        "essai", "0", platform.identity(), "AQ-1", "moi", at, (), "", (), "0", "0", "commande"
    )
    with hold_platform_lock(platform) as lock:
        changed = dataclasses.replace(plan, **plan_changes)  # type: ignore[arg-type]
        results = check_guards(platform, changed, lock, scenarios_dir)
    return {guard.id: guard for guard in results}


@pytest.fixture(scope="module")
def declared() -> tuple[DeclaredQueries, ...]:
    """What the shipped scenarios declare."""
    return list_declared(collect_scenarios(SCENARIOS_DIR))


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


@pytest.mark.parametrize(
    ("settings", "server"),
    [
        ({"hypervisor": "10.9.9.9"}, "10.9.9.9"),
        ({"link_control": "http://10.9.9.8:8085"}, "10.9.9.8"),
        ({"link_control": "sans schéma"}, "sans schéma"),
    ],
)
def test_pre_01_refuses_what_drills_command_outside_the_test_platform(
    platform: Platform, settings: dict[str, Any], server: str
) -> None:
    assert platform.drills.hypervisor is not None
    if "hypervisor" in settings:
        settings = {
            "hypervisor": dataclasses.replace(platform.drills.hypervisor, address=settings["hypervisor"])
        }
    changed = dataclasses.replace(platform, drills=dataclasses.replace(platform.drills, **settings))
    answer = ask(changed)["PRE-01"]
    assert (answer.status, answer.message) == (
        GuardStatus.REFUSED,
        f"le serveur {server} n'est pas dans la liste autorisée.",
    )


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
    with hold_platform_lock(platform, run_id="essai") as first:
        assert first.held
        answer = ask(platform)["PRE-05"]
    assert answer.status is GuardStatus.REFUSED
    assert (
        "une autre campagne est en cours sur cette plateforme : passage essai, lancé par " in answer.message
    )
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


def test_pre_05_says_what_is_not_healed(platform: Platform, tmp_path: Path) -> None:
    fault = PlannedFault(
        "HD-915/1", "service_stopped", "SITE-B", (), 30.0, (), "arrêter le client", "le démarrer"
    )
    elsewhere = dataclasses.replace(platform, base_dir=str(tmp_path))
    entry = open_register(elsewhere).add("hier", "HD-915", fault, {}, new_entry_id())
    state = dataclasses.replace(platform.drills, state_dir=str(tmp_path / platform.drills.state_dir))
    answer = ask(dataclasses.replace(platform, drills=state))["PRE-05"]
    assert answer.status is GuardStatus.REFUSED
    assert "HD-915 n'est pas guéri (arrêter le client, passage hier)" in answer.message
    open_register(elsewhere).mark(entry, HEALED)
    assert ask(dataclasses.replace(platform, drills=state))["PRE-05"].status is GuardStatus.PASSED


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


DRILL = PlannedDrill("HD-915", "Essai", DrillStage.SECOURS, (), (), "0")


def test_pre_07_asks_for_a_recent_backup_before_a_drill_only(
    platform: Platform, admin: psycopg.Connection
) -> None:
    limits = {**platform.limits, "backup_age_hours": 720.0}
    limited = dataclasses.replace(platform, limits=limits)
    assert "Sauvegardes : sans objet, aucun scénario perturbateur" in ask(limited)["PRE-07"].message
    answer = ask(limited, drills=(DRILL,))["PRE-07"]
    assert answer.status is GuardStatus.PASSED
    assert "Dernière sauvegarde complète il y a 0 h" in answer.message
    old = "UPDATE cfg.parametre SET prm_valeur = %s WHERE prm_code = 'DERNIERE_SAUVEGARDE_UTC' RETURNING prm_valeur"
    row = admin.execute(
        "SELECT prm_valeur FROM cfg.parametre WHERE prm_code = 'DERNIERE_SAUVEGARDE_UTC'"
    ).fetchone()
    assert row is not None
    try:
        admin.execute(old, [(datetime.now(UTC) - timedelta(hours=721)).isoformat()])
        answer = ask(limited, drills=(DRILL,))["PRE-07"]
        assert answer.status is GuardStatus.REFUSED
        assert "la dernière sauvegarde complète de SITE-A a 721 h, 720 h au plus" in answer.message
        without_disk = dataclasses.replace(platform, limits={"backup_age_hours": 720.0})
        assert ask(without_disk, drills=(DRILL,))["PRE-07"].status is GuardStatus.REFUSED
        admin.execute(
            "UPDATE cfg.parametre SET prm_code = 'AUTRE' WHERE prm_code = 'DERNIERE_SAUVEGARDE_UTC'"
        )
        assert "aucune sauvegarde complète de SITE-A" in ask(limited, drills=(DRILL,))["PRE-07"].message
        free = {key: value for key, value in limits.items() if key != "backup_age_hours"}
        answer = ask(dataclasses.replace(platform, limits=free), drills=(DRILL,))["PRE-07"]
        assert answer.status is GuardStatus.PASSED
        assert "aucun âge convenu" in answer.message
    finally:
        admin.execute(
            "UPDATE cfg.parametre SET prm_code = 'DERNIERE_SAUVEGARDE_UTC' WHERE prm_code = 'AUTRE'"
        )
        admin.execute(old, [row[0]])


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


@pytest.mark.parametrize(
    ("change", "back", "words"),
    [
        (
            "REVOKE SELECT ON ref.capteur FROM nr_reader",
            "GRANT SELECT ON ref.capteur TO nr_reader",
            "SITE-A, manque : nr_reader ne peut pas lire ref.capteur : SELECT manque (pour APP-004, APP-005, ",
        ),
        (
            "GRANT DELETE ON ref.station TO nr_writer",
            "REVOKE DELETE ON ref.station FROM nr_writer",
            "SITE-A, en trop : nr_writer peut supprimer ref.station (DELETE), ce que son manifeste ne prévoit pas.",
        ),
    ],
)
def test_pre_08_names_what_is_missing_from_the_manifest_and_what_is_beyond(
    platform: Platform,
    admin: psycopg.Connection,
    declared: tuple[DeclaredQueries, ...],
    change: str,
    back: str,
    words: str,
) -> None:
    admin.execute(change)
    try:
        answer = ask(platform, declared=declared)["PRE-08"]
    finally:
        admin.execute(back)
    assert answer.status is GuardStatus.REFUSED
    assert words in answer.message
    assert ask(platform, declared=declared)["PRE-08"].status is GuardStatus.PASSED


def test_pre_08_asks_for_no_right_that_no_scenario_of_the_folder_needs(
    platform: Platform, admin: psycopg.Connection
) -> None:
    admin.execute("REVOKE SELECT ON ref.capteur FROM nr_reader")
    try:
        without = ask(platform)["PRE-08"]
        needing = ask(platform, declared=(DeclaredQueries("BASE-900", ("buffer_rows",), writes=False),))[
            "PRE-08"
        ]
    finally:
        admin.execute("GRANT SELECT ON ref.capteur TO nr_reader")
    assert without.status is GuardStatus.PASSED
    assert needing.status is GuardStatus.REFUSED
    assert "SELECT manque (pour BASE-900)" in needing.message


def test_pre_08_asks_for_what_the_scenarios_of_this_campaign_declare(
    platform: Platform, tmp_path: Path
) -> None:
    (tmp_path / "BASE-310-essai.sql").write_text(
        "-- id: BASE-310\n-- titre: Essai\n-- criticite: mineure\n-- effet: writes_test_data\n"
        "-- moteur: postgresql\n-- attendu: aucune erreur\n-- droits: INSERT ref.station\n\nSELECT 1;\n",
        encoding="utf-8",
    )
    answer = ask(platform, tmp_path)["PRE-08"]
    assert answer.status is GuardStatus.REFUSED
    for site in ("SITE-A", "SITE-B"):
        assert (
            f"{site}, manque : nr_writer ne peut pas ajouter ref.station : INSERT manque (pour BASE-310)"
            in answer.message
        )


def test_pre_08_that_cannot_be_asked_is_unknown(platform: Platform, admin: psycopg.Connection) -> None:
    admin.execute("ALTER ROLE nr_writer CONNECTION LIMIT 1")  # which the lock takes
    try:
        answer = ask(platform)["PRE-08"]
    finally:
        admin.execute("ALTER ROLE nr_writer CONNECTION LIMIT -1")
    assert answer.status is GuardStatus.UNKNOWN


def test_a_forbidden_thing_that_is_not_there_proves_nothing_of_the_accounts(
    platform: Platform, admin: psycopg.Connection
) -> None:
    accounts = "nr_reader, nr_writer"
    admin.execute(f"GRANT USAGE ON SCHEMA securite TO {accounts}")  # else the schema alone refuses them
    admin.execute("ALTER TABLE securite.utilisateur RENAME TO utilisateur_2")
    try:
        answer = ask(platform)["PRE-08"]
    finally:
        admin.execute("ALTER TABLE securite.utilisateur_2 RENAME TO utilisateur")
        admin.execute(f"REVOKE USAGE ON SCHEMA securite FROM {accounts}")
    assert answer.status is GuardStatus.UNKNOWN
    assert "échoue pour une autre raison qu'un droit (42P01) : rien n'est prouvé" in answer.message
    assert ask(platform)["PRE-08"].status is GuardStatus.PASSED


def test_a_guard_that_this_machine_cannot_ask_is_unknown_and_the_others_are_asked(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As under a systemd unit without AF_NETLINK, where the addresses of the machine are nobody's to read."""

    def refuse() -> None:
        raise OSError(97, "Address family not supported by protocol")

    monkeypatch.setattr(psutil, "net_if_addrs", refuse)
    answers = ask(platform)
    assert answers["PRE-09"].status is GuardStatus.UNKNOWN
    assert answers["PRE-09"].message.startswith("Contrôle impossible sur ce poste : OSError, [Errno 97]")
    assert answers["PRE-10"].status is GuardStatus.PASSED


def test_a_guard_whose_answer_is_late_holds_up_no_other_and_the_answers_keep_their_order(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The supervision service, which PRE-02 asks, answers once PRE-09 has looked at the machine."""
    looked, list_addresses = threading.Event(), psutil.net_if_addrs

    def look() -> object:
        looked.set()
        return list_addresses()

    class Late(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            looked.wait(DEADLINE_SECONDS)
            body = json.dumps({"role": SiteRole.SURVEILLANCE if looked.is_set() else "retard"}).encode()
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    monkeypatch.setattr(psutil, "net_if_addrs", look)
    with ThreadingHTTPServer(("127.0.0.1", 0), Late) as server:
        threading.Thread(target=server.serve_forever).start()
        web = Web(supervision=f"http://127.0.0.1:{server.server_port}", timeout_seconds=2 * DEADLINE_SECONDS)
        sites = tuple(
            dataclasses.replace(site, web=web) if site.database is None else site for site in platform.sites
        )
        answers = ask(dataclasses.replace(platform, sites=sites))
        server.shutdown()
    assert answers["PRE-02"].status is GuardStatus.PASSED, answers["PRE-02"].message
    assert list(answers) == [f"PRE-{number:02}" for number in range(1, 11)]


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
