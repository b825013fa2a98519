"""The switchover tool: there and back without losing a write, and refusals that change nothing."""

from __future__ import annotations

import json
import subprocess
import sys
import threading

from nonreg.sandbox.control import start_service, stop_service
from nonreg.sandbox.layout import ACTIVE, PASSIVE, Layout
from nonreg.waiting import wait_until
from tests.sandbox.bench import frame, open_ssh, own_station, push, query, read_state, run_ssh

ROLES = "SELECT sit_code, sit_role FROM ref.site ORDER BY sit_code"
CONTENT = "SELECT count(*), coalesce(sum(hashtextextended(t::text, 0)), 0) FROM {} t"
WRITTEN = ("prod.mesure", "tampon.mesure", "evt.alarme", "ref.station", "ref.capteur", "nr.marque")


def switch(layout: Layout, *words: str) -> tuple[int, str, str]:
    """Run the tool as a command."""
    done = subprocess.run(
        [sys.executable, "-m", "nonreg.sandbox.switchover", "--dir", str(layout.root), *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.returncode, done.stdout, done.stderr


def roles(layout: Layout, site: str = ACTIVE) -> dict[str, str]:
    """Roles that a site sees."""
    return dict(query(layout, site, ROLES))


def same_content(layout: Layout) -> bool:
    """True when every written table holds the same rows on both sites."""
    return all(
        query(layout, ACTIVE, CONTENT.format(table)) == query(layout, PASSIVE, CONTENT.format(table))
        for table in WRITTEN
    )


def test_refusals_are_one_sentence_and_change_nothing(sandbox: Layout) -> None:
    before = roles(sandbox)
    assert switch(sandbox, "--vers", ACTIVE) == (1, "", "Bascule refusée : SITE-A est déjà actif.\n")
    assert switch(sandbox, "--vers", "SITE-Z")[0] == 3
    assert switch(sandbox)[0] == 3
    stop_service(sandbox, PASSIVE, "postgresql")
    try:
        code, output, errors = switch(sandbox, "--vers", PASSIVE)
        assert (code, output) == (1, "")
        assert errors == "Bascule refusée : la base de SITE-B ne répond pas.\n"
        assert roles(sandbox) == before
    finally:
        start_service(sandbox, PASSIVE, "postgresql")


def test_a_switchover_that_cannot_deliver_everything_goes_back(fresh_sandbox: Layout) -> None:
    layout = fresh_sandbox
    relay = layout.config_file(PASSIVE, "relais")
    settings = relay.read_text(encoding="utf-8")
    relay.write_text(json.dumps(json.loads(settings) | {"coupe": True}), encoding="utf-8")
    link = "SELECT count(*) FROM pg_stat_replication"
    wait_until(lambda: query(layout, ACTIVE, link, user="aquareel_admin") == [(0,)], 5, "liaison coupée")

    code, _, errors = switch(layout, "--vers", PASSIVE, "--delai", "2")

    assert code == 1
    assert errors.startswith("Bascule abandonnée, SITE-A reste actif")
    assert (
        roles(layout)
        == roles(layout, PASSIVE)
        == {ACTIVE: "ACTIF", PASSIVE: "PASSIF", "SITE-S": "SURVEILLANCE"}
    )
    relay.write_text(settings, encoding="utf-8")
    with own_station(layout) as station:
        arrived = "SELECT count(*) FROM ref.station WHERE sta_code = %s"
        wait_until(lambda: query(layout, PASSIVE, arrived, station.code) == [(1,)], 10, "réplication vivante")

    # There and back on the same platform, while a station goes on pushing.
    accepted: list[str] = []
    stop = threading.Event()

    def keep_pushing(code: str) -> None:
        minutes = (
            f"2026-11-{day:02d}T{h:02d}:{m:02d}:00"
            for day in range(1, 21)
            for h in range(24)
            for m in range(0, 60, 5)
        )
        for at in minutes:
            if stop.is_set():
                return
            if push(layout, frame(code, ("H", at, "400")), code).status_code == 200:
                accepted.append(at)

    with own_station(layout) as station:
        pushing = threading.Thread(target=keep_pushing, args=(station.code,))
        pushing.start()
        wait_until(lambda: len(accepted) > 20, 10, "premières trames")
        with open_ssh(layout) as client:
            code, output, errors = run_ssh(client, "bascule --vers SITE-B")
        assert (code, errors) == (0, "")
        assert output.splitlines()[-1].startswith("Bascule terminée : SITE-B est actif")
        assert output.startswith("1. écritures arrêtées sur SITE-A")
        there = len(accepted)
        wait_until(lambda: len(accepted) > there + 20, 10, "trames après bascule")
        assert (
            roles(layout)
            == roles(layout, PASSIVE)
            == {ACTIVE: "PASSIF", PASSIVE: "ACTIF", "SITE-S": "SURVEILLANCE"}
        )
        wait_until(lambda: read_state(layout, PASSIVE)["role"] == "ACTIF", 5, "supervision à jour")
        assert switch(layout, "--vers", ACTIVE)[0] == 0
        back = len(accepted)
        wait_until(lambda: len(accepted) > back + 20, 10, "trames après retour")
        stop.set()
        pushing.join(10)

        stored = "SELECT count(*) FROM tampon.mesure WHERE cap_id = %s"
        assert query(layout, ACTIVE, stored, station.h_sensor) == [(len(accepted),)]
        assert (
            roles(layout)
            == roles(layout, PASSIVE)
            == {ACTIVE: "ACTIF", PASSIVE: "PASSIF", "SITE-S": "SURVEILLANCE"}
        )
        production = "SELECT count(*) FROM prod.mesure WHERE cap_id = %s"
        wait_until(
            lambda: query(layout, PASSIVE, production, station.h_sensor) == [(len(accepted),)], 10, "affinage"
        )
        wait_until(lambda: same_content(layout), 10, "contenus égaux")
    publications = "SELECT count(*) FROM pg_publication"
    assert [query(layout, site, publications) for site in (ACTIVE, PASSIVE)] == [[(1,)], [(0,)]]

    # The active site is lost: nobody takes over by himself, the other one does when told to.
    stop_service(layout, ACTIVE, "postgresql")
    assert switch(layout, "--vers", PASSIVE)[0] == 1
    assert switch(layout, "--vers", PASSIVE, "--force")[0] == 0
    assert roles(layout, PASSIVE)[PASSIVE] == "ACTIF"
    reply = wait_until(
        lambda: (r := push(layout, frame("V714401001", ("H", "2026-11-20T06:00:00", "1")))).ok and r,
        10,
        "trame",
    )
    assert 'statut="OK"' in reply.text
