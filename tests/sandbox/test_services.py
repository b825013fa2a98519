"""Light client, supervision, alarm sink and relay, and services that lose their database."""

from __future__ import annotations

import json
import signal
import uuid

import pytest

from nonreg.sandbox.control import restart_service, send_order, start_service, stop_service
from nonreg.sandbox.layout import ACTIVE, PASSIVE, WITNESS, Layout
from nonreg.sandbox.processes import find_recorded
from nonreg.waiting import wait_until
from tests.sandbox.bench import (
    count_buffered,
    frame,
    own_station,
    push,
    query,
    read_calls,
    read_state,
    url,
    web_session,
)

SITES = (ACTIVE, PASSIVE, WITNESS)


def test_the_client_shows_values_only_to_who_signed_in(sandbox: Layout) -> None:
    password = sandbox.secrets()["AQ_CLIENT_PASSWORD"]
    session, page = web_session(), lambda path: url(sandbox, PASSIVE, "client", path)
    assert "Mot de passe" in session.get(page("/"), timeout=5).text
    away = session.get(page("/dernieres"), timeout=5, allow_redirects=False)
    assert (away.status_code, away.headers["Location"]) == (302, "/")
    form = {"identifiant": "consultation", "mot_de_passe": "faux"}
    assert session.post(page("/connexion"), form, timeout=5).status_code == 401
    signed = session.post(page("/connexion"), form | {"mot_de_passe": password}, timeout=5)
    assert "HttpOnly" in signed.history[0].headers["Set-Cookie"]
    assert signed.status_code == 200
    assert signed.text.count("<tr>") > 500
    assert "L&#x27;" in signed.text


def test_the_client_refuses_changes_on_the_passive_site_by_its_role(sandbox: Layout) -> None:
    passive = web_session().post(url(sandbox, PASSIVE, "client", "/parametres"), timeout=5)
    active = web_session().post(url(sandbox, ACTIVE, "client", "/parametres"), timeout=5)
    assert (passive.status_code, active.status_code) == (403, 405)
    assert "site passif : consultation seule" in passive.text


def test_the_three_sites_see_each_other_and_agree_on_roles(sandbox: Layout) -> None:
    roles = {ACTIVE: "ACTIF", PASSIVE: "PASSIF", WITNESS: "SURVEILLANCE"}
    for site in SITES:
        state = read_state(sandbox, site)
        assert state["role"] == roles[site]
        assert state["quorum"] is True
        assert {peer: seen["role"] for peer, seen in state["pairs"].items()} == {
            other: role for other, role in roles.items() if other != site
        }
        assert all(module["actif"] for module in state["modules"].values())


def test_a_site_that_falls_silent_is_noticed_and_the_two_others_keep_their_quorum(sandbox: Layout) -> None:
    stop_service(sandbox, WITNESS, "supervision")
    try:
        silent = wait_until(
            lambda: read_state(sandbox, ACTIVE)["pairs"][WITNESS]["vu_il_y_a_secondes"] > 1.2, 5, "silence vu"
        )
        assert silent
        assert read_state(sandbox, ACTIVE)["quorum"] is True
    finally:
        start_service(sandbox, WITNESS, "supervision")
    wait_until(
        lambda: read_state(sandbox, ACTIVE)["pairs"][WITNESS]["vu_il_y_a_secondes"] < 1, 5, "retour vu"
    )


def test_every_service_signs_the_component_table(sandbox: Layout) -> None:
    expected = {
        (site, service)
        for site, services in {
            ACTIVE: ("frontal", "affinage", "echange", "internet", "client", "supervision"),
            PASSIVE: ("frontal", "affinage", "echange", "internet", "client", "supervision", "relais"),
            WITNESS: ("supervision", "puits"),
        }.items()
        for service in services
    }
    fresh = (
        "SELECT com_site, com_module FROM evt.composant WHERE com_version = '5.2.0'"
        " AND com_vu_utc > clock_timestamp() AT TIME ZONE 'UTC' - interval '3 seconds'"
    )
    wait_until(lambda: set(query(sandbox, ACTIVE, fresh)) == expected, 5, "composants présents")


def test_an_alarm_waits_for_the_sink_and_is_then_transmitted_once(sandbox: Layout) -> None:
    with own_station(sandbox) as station:
        threshold = "SELECT nr.usp_creer_seuil(%s, %s, 'ROUGE', 'HAUSSE', 3, 600, 500, true, true)"
        query(sandbox, ACTIVE, threshold, station.campaign, station.h_sensor, user="nr_writer")
        stop_service(sandbox, WITNESS, "puits")
        push(sandbox, frame(station.code, ("H", "2026-11-20T06:00:00", "700")), station.code)
        pending = (
            "SELECT count(*) FROM evt.alarme JOIN ref.seuil USING (seu_id)"
            " WHERE cap_id = %s AND ala_transmise IS NULL"
        )
        wait_until(lambda: query(sandbox, ACTIVE, pending, station.h_sensor) == [(1,)], 8, "alarme ouverte")
        start_service(sandbox, WITNESS, "puits")
        wait_until(lambda: query(sandbox, ACTIVE, pending, station.h_sensor) == [(0,)], 8, "alarme transmise")
        (call,) = read_calls(sandbox, station.code)
        assert call["texte"] == f"ROUGE {station.code} H"
        assert call["destinataire"] == "+33000000001"


def test_cutting_the_relay_stops_replication_and_mending_it_catches_up(sandbox: Layout) -> None:
    path = sandbox.config_file(PASSIVE, "relais")
    settings = path.read_text(encoding="utf-8")
    arrived = "SELECT count(*) FROM nr.battement WHERE campaign_id = %s"
    link = "SELECT count(*) FROM pg_stat_replication"

    def set_cut(cut: bool) -> None:
        path.write_text(json.dumps(json.loads(settings) | {"coupe": cut}), encoding="utf-8")

    campaign = str(uuid.uuid4())
    try:
        set_cut(True)
        wait_until(lambda: query(sandbox, ACTIVE, link, user="aquareel_admin") == [(0,)], 5, "liaison coupée")
        query(sandbox, ACTIVE, "SELECT nr.usp_battre(%s, 1)", campaign, user="nr_writer")
        assert query(sandbox, PASSIVE, arrived, campaign) == [(0,)]
    finally:
        path.write_text(settings, encoding="utf-8")
    try:
        wait_until(lambda: query(sandbox, PASSIVE, arrived, campaign) == [(1,)], 10, "rattrapage")
    finally:
        query(sandbox, ACTIVE, "SELECT * FROM nr.usp_nettoyer(%s)", campaign, user="nr_writer")


def test_services_survive_a_database_that_stops_and_take_up_their_work_again(sandbox: Layout) -> None:
    with own_station(sandbox) as station:
        body = frame(station.code, ("H", "2026-11-20T06:00:00", "700"))
        send_order(sandbox, "stop", ACTIVE, "postgresql")
        try:
            assert push(sandbox, body, station.code).status_code == 503
            assert (
                web_session().post(url(sandbox, ACTIVE, "client", "/parametres"), timeout=5).status_code
                == 503
            )
            wait_until(lambda: read_state(sandbox, ACTIVE)["role"] == "INCONNU", 5, "rôle inconnu")
        finally:
            send_order(sandbox, "start", ACTIVE, "postgresql")
        wait_until(lambda: push(sandbox, body, station.code).status_code == 200, 5, "frontal revenu")
        assert count_buffered(sandbox, station.code) == 1
        wait_until(lambda: read_state(sandbox, ACTIVE)["role"] == "ACTIF", 5, "rôle retrouvé")
        assert all(module["actif"] for module in read_state(sandbox, ACTIVE)["modules"].values())
        refined = "SELECT count(*) FROM prod.derniere WHERE cap_id = %s"
        wait_until(lambda: query(sandbox, ACTIVE, refined, station.h_sensor) == [(1,)], 5, "affinage revenu")


@pytest.mark.parametrize("service", ["frontal", "echange", "supervision", "ssh"])
def test_a_service_ends_within_a_second_of_its_request_and_starts_again(
    sandbox: Layout, service: str
) -> None:
    process = find_recorded(sandbox.pid_file(PASSIVE, service))
    assert process is not None
    process.send_signal(signal.SIGTERM)
    assert process.wait(1.0) in (0, None)
    restart_service(sandbox, PASSIVE, service)
    assert find_recorded(sandbox.pid_file(PASSIVE, service)) not in (None, process)


def test_a_platform_that_runs_is_purged_and_the_purge_has_its_end(sandbox: Layout) -> None:
    statement = (
        "SELECT count(*) FROM evt.evenement d JOIN evt.evenement f ON f.evt_origine_id = d.evt_id AND f.evt_fin "
        "WHERE d.evt_module = 'purge' AND d.evt_message = 'purge commencée'"
    )
    wait_until(lambda: query(sandbox, ACTIVE, statement)[0][0] >= 1, 20, "purge journalisée")
