"""Technical alarms on a running platform: raised and closed once, by one module, whichever speaks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from nonreg.sandbox.control import start_service, stop_service
from nonreg.sandbox.layout import ACTIVE, PASSIVE, WITNESS, Layout
from nonreg.waiting import wait_until
from tests.sandbox.bench import query, read_calls, read_state

pytestmark = pytest.mark.platform

SITES = (ACTIVE, PASSIVE, WITNESS)
WITHIN = 12.0
RECIPIENT = "essai-astreinte-technique@exemple.invalid"


def read_open(layout: Layout, site: str) -> list[str]:
    """Labels of the alarms that a module has open."""
    return [alarm["libelle"] for alarm in read_state(layout, site)["alarmes"]]


class Sink:
    """The calls about one test's alarms: those whose text contains one of `words`, since its beginning."""

    def __init__(self, layout: Layout, *words: str) -> None:
        self._layout, self._words = layout, words
        self._before = len(self._read())

    def _read(self) -> list[dict[str, Any]]:
        calls = [call for call in read_calls(self._layout, "") if call["destinataire"] == RECIPIENT]
        return [call for call in calls if any(word in call["texte"] for word in self._words)]

    def texts(self) -> list[str]:
        """What was told."""
        return [call["texte"] for call in self._read()[self._before :]]

    def wait_for(self, text: str) -> str:
        """The site that told a text, once it did."""
        wait_until(lambda: text in self.texts(), WITHIN, text)
        return next(str(call["site"]) for call in self._read()[self._before :] if call["texte"] == text)


@contextmanager
def stopped(layout: Layout, site: str, service: str) -> Iterator[None]:
    """A service that does not run inside the block."""
    stop_service(layout, site, service)
    try:
        yield
    finally:
        start_service(layout, site, service)


def test_a_stopped_service_and_a_mute_site_are_told_once_though_another_module_takes_over(
    sandbox: Layout,
) -> None:
    service, site = f"Service echange arrêté sur {ACTIVE}", f"Site {ACTIVE} muet"
    sink = Sink(sandbox, service, site)
    with stopped(sandbox, ACTIVE, "echange"):
        assert sink.wait_for(f"OUVERTURE {service}") == ACTIVE
        wait_until(
            lambda: all(service in read_open(sandbox, one) for one in SITES), 3, "alarme connue de tous"
        )
        with stopped(sandbox, ACTIVE, "supervision"):
            assert sink.wait_for(f"OUVERTURE {site}") == PASSIVE
            assert service in read_open(sandbox, PASSIVE)
        sink.wait_for(f"FERMETURE {site}")
        wait_until(lambda: read_open(sandbox, ACTIVE) == [service], 5, "alarme reprise au retour")
    assert sink.wait_for(f"FERMETURE {service}") == ACTIVE
    assert sink.texts() == [
        *(f"OUVERTURE {service}", f"OUVERTURE {site}", f"FERMETURE {site}", f"FERMETURE {service}"),
    ]
    ends = (
        "SELECT count(*) FROM evt.evenement d JOIN evt.evenement f ON f.evt_origine_id = d.evt_id"
        " WHERE d.evt_module = 'supervision' AND d.evt_niveau = 3 AND d.evt_message LIKE %s"
        " AND f.evt_niveau = 1 AND f.evt_fin AND f.evt_message LIKE %s"
    )
    pairs = [(f"OUVERTURE {label}, %", f"FERMETURE {label}, %") for label in (service, site)]
    wait_until(lambda: all(query(sandbox, ACTIVE, ends, *pair)[0][0] for pair in pairs), 5, "journal")


def test_a_cut_link_is_told_by_the_active_site_once_the_sink_answers_and_nobody_is_called_mute(
    sandbox: Layout,
) -> None:
    label, other = f"Liaison {ACTIVE} – {PASSIVE} coupée", f"Service puits arrêté sur {WITNESS}"
    sink = Sink(sandbox, label, other, "OUVERTURE Site")
    path = sandbox.config_file(PASSIVE, "relais")
    settings = path.read_text(encoding="utf-8")
    try:
        with stopped(sandbox, WITNESS, "puits"):
            path.write_text(json.dumps(json.loads(settings) | {"coupe": True}), encoding="utf-8")
            wait_until(lambda: all(label in read_open(sandbox, site) for site in SITES), WITHIN, "lien coupé")
        assert sink.wait_for(f"OUVERTURE {label}") == ACTIVE
    finally:
        path.write_text(settings, encoding="utf-8")
    sink.wait_for(f"FERMETURE {label}")
    sink.wait_for(f"FERMETURE {other}")
    expected = [f"{word} {one}" for word in ("OUVERTURE", "FERMETURE") for one in (label, other)]
    assert sorted(sink.texts()) == sorted(expected)


def test_replication_that_is_interrupted_for_longer_than_the_parameter_is_told(sandbox: Layout) -> None:
    label = f"Réplication interrompue vers {PASSIVE}"
    sink = Sink(sandbox, label)
    limit = "UPDATE cfg.parametre SET prm_valeur = %s WHERE prm_code = 'REPLICATION_ALARME_S' RETURNING 1"
    switch = "ALTER SUBSCRIPTION sub_site_b {}"
    query(sandbox, ACTIVE, limit, "1", user="aquareel_admin")
    query(sandbox, PASSIVE, switch.format("DISABLE"), user="aquareel_admin")
    try:
        assert sink.wait_for(f"OUVERTURE {label}") == ACTIVE
    finally:
        query(sandbox, PASSIVE, switch.format("ENABLE"), user="aquareel_admin")
        query(sandbox, ACTIVE, limit, "1200", user="aquareel_admin")
    sink.wait_for(f"FERMETURE {label}")
    assert sink.texts() == [f"OUVERTURE {label}", f"FERMETURE {label}"]
