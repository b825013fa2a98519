"""The passive site does the work of a module that the active site lost, and stops when it is back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from nonreg.sandbox.control import start_service, stop_service
from nonreg.sandbox.layout import ACTIVE, PASSIVE, WITNESS, Layout
from nonreg.waiting import wait_until
from tests.sandbox.bench import frame, own_station, push, query, read_calls, url, web_session

pytestmark = [pytest.mark.drills, pytest.mark.xdist_group("fallbacks")]  # one platform, and minutes

WITHIN = 12.0
DELAYS = {"SECOURS_ECHANGE_S": "1800", "SECOURS_INTERNET_S": "1800", "SECOURS_ALARME_S": "10"}
ORIGINS = (
    "SELECT tmp_horodatage::text, tmp_source, tmp_site FROM tampon.mesure WHERE cap_id = %s ORDER BY tmp_id"
)


@pytest.fixture(scope="module")
def hasty(sandbox: Layout) -> Iterator[Layout]:
    """The shared platform, with a delay of two seconds before the passive site takes over anything."""
    change = "UPDATE cfg.parametre SET prm_valeur = %s WHERE prm_code = %s RETURNING prm_code"
    for code in DELAYS:
        assert query(sandbox, ACTIVE, change, "2", code, user="aquareel_admin") == [(code,)]
    yield sandbox
    for code, delay in DELAYS.items():
        query(sandbox, ACTIVE, change, delay, code, user="aquareel_admin")


@contextmanager
def lost(layout: Layout, service: str) -> Iterator[None]:
    """A service of the active site that does not run inside the block; the passive one has stopped after it."""
    log = layout.log_file(PASSIVE, service)
    before = len(log.read_text(encoding="utf-8"))
    stop_service(layout, ACTIVE, service)
    try:
        yield
    finally:
        start_service(layout, ACTIVE, service)
    end = f"secours de {ACTIVE} : fin"
    wait_until(lambda: end in log.read_text(encoding="utf-8")[before:], WITHIN, end)


def test_the_passive_sites_exchange_imports_and_exports_with_the_active_database_until_the_other_is_back(
    hasty: Layout,
) -> None:
    home = hasty.site_dir(PASSIVE) / "echange"
    before = set((home / "sortie").iterdir())
    with own_station(hasty) as station:
        name = f"{station.code}.csv"
        text = f"date;code;valeur\n2026-11-20 06:00:00;{station.code}/H;512.0\n"
        (home / "entree" / name).write_text(text, encoding="utf-8")
        with lost(hasty, "echange"):
            wait_until((home / "traites" / name).exists, WITHIN, "import en secours")
            wait_until(lambda: set((home / "sortie").glob("*.xml")) - before, WITHIN, "export en secours")
        assert query(hasty, ACTIVE, ORIGINS, station.h_sensor) == [
            ("2026-11-20 06:00:00", "FICHIER", PASSIVE)
        ]
        events = "SELECT evt_message FROM evt.evenement WHERE evt_message LIKE %s ORDER BY evt_id"
        assert [message for (message,) in query(hasty, ACTIVE, events, f"import {name}%")] == [
            f"import {name} en secours par {PASSIVE} {state}" for state in ("commencé", "terminé")
        ]

        (home / "entree" / "apres.csv").write_text(text, encoding="utf-8")
        order = hasty.site_dir(ACTIVE) / "echange" / "ordres" / "anduze_csv.ordre"
        order.touch()
        wait_until(lambda: not order.exists(), WITHIN, "échange du site actif revenu")
        assert (home / "entree" / "apres.csv").exists()
    (home / "entree" / "apres.csv").unlink()
    for path in set((home / "sortie").iterdir()) - before:
        path.unlink()


def stage(layout: Layout, station: str, at: str, value: float | None) -> int:
    """Have the operator hold one message; returns its number."""
    message = {"station": station, "grandeur": "H", "horodatage": at, "valeur": value}
    reply = web_session().post(url(layout, WITNESS, "puits", "/lorawan/messages"), json=message, timeout=5)
    assert reply.status_code == 201
    return int(reply.json()["numero"])


def test_each_lorawan_message_is_stored_once_whichever_site_takes_it(hasty: Layout) -> None:
    taken = "SELECT col_numero FROM tampon.collecte WHERE col_source = 'LORAWAN'"
    with own_station(hasty) as station:

        def wait_for(*origins: tuple[str, str]) -> None:
            expected = [(f"2026-11-20 06:{at}:00", "LORAWAN", site) for at, site in origins]
            wait_until(
                lambda: query(hasty, ACTIVE, ORIGINS, station.h_sensor) == expected, WITHIN, str(expected)
            )

        stage(hasty, station.code, "2026-11-20T06:00:00", 512.5)
        wait_for(("00", ACTIVE))
        with lost(hasty, "internet"):
            stage(hasty, station.code, "pas une date", 513)
            stage(hasty, station.code, "2026-11-20T06:05:00", 513)
            wait_for(("00", ACTIVE), ("05", PASSIVE))
        stage(hasty, "Z999999999", "2026-11-20T06:10:00", None)
        last = stage(hasty, station.code, "2026-11-20T06:10:00", None)
        wait_for(("00", ACTIVE), ("05", PASSIVE), ("10", ACTIVE))
        assert query(hasty, ACTIVE, taken) == [(last,)]
        again = query(hasty, ACTIVE, "SELECT tampon.usp_prendre('LORAWAN', %s)", last, user="aquareel_app")
        assert again == [(False,)], "a message that the other site has taken meanwhile"
        wait_until(lambda: query(hasty, PASSIVE, taken) == [(last,)], 5, "numéro répliqué")


def test_the_operator_refuses_what_is_no_message(hasty: Layout) -> None:
    address = url(hasty, WITNESS, "puits", "/lorawan/messages")
    good: dict[str, Any] = {
        "station": "V714401001",
        "grandeur": "H",
        "horodatage": "2026-11-20T06:00:00",
        "valeur": 1,
    }
    for bad in ({"valeur": "1"}, {"valeur": True}, {"station": 7}, {"horodatage": None}):
        assert web_session().post(address, json=good | bad, timeout=5).status_code == 400
    assert web_session().post(address, json={"station": "V714401001"}, timeout=5).status_code == 400
    assert web_session().get(f"{address}?apres=x", timeout=5).status_code == 400


def test_alarms_are_told_by_the_passive_site_while_the_active_ones_supervision_is_gone_and_each_once(
    hasty: Layout,
) -> None:
    with own_station(hasty) as station:

        def tellers() -> dict[str, str]:
            return {call["texte"].split()[0]: call["site"] for call in read_calls(hasty, f" {station.code} ")}

        def cross(kind: str, at: str, value: int) -> None:
            opening = "SELECT nr.usp_creer_seuil(%s, %s, %s, 'HAUSSE', 3, %s, 0, true, true)"
            query(hasty, ACTIVE, opening, station.campaign, station.h_sensor, kind, value, user="nr_writer")
            push(hasty, frame(station.code, ("H", f"2026-11-20T06:{at}:00", str(value))), station.code)

        with lost(hasty, "supervision"):
            cross("JAUNE", "00", 600)
            wait_until(lambda: tellers() == {"JAUNE": PASSIVE}, WITHIN, "alarme transmise en secours")
        cross("ORANGE", "05", 700)
        wait_until(lambda: tellers() == {"JAUNE": PASSIVE, "ORANGE": ACTIVE}, WITHIN, "alarme du site actif")
        assert len(read_calls(hasty, f" {station.code} ")) == 2
