"""The switchover tool: refusals that change nothing, switchovers that go back, takeovers by force and the way back."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psutil
import psycopg
import pytest

from nonreg.sandbox.control import restart_service, start_service, stop_service
from nonreg.sandbox.layout import ACTIVE, DATABASE, DATABASE_SITES, PASSIVE, PORTS, Layout
from nonreg.sandbox.processes import find_recorded
from nonreg.sandbox.switchover.lock import hold_tool
from nonreg.sandbox.switchover.nodes import SwitchoverRefused
from nonreg.sandbox.switchover.reinitialisation import check_link
from nonreg.waiting import wait_until
from tests.sandbox.bench import frame, open_ssh, own_station, push, query, read_state, run_ssh
from tests.sandbox.switching import (
    A_ACTIVE,
    B_ACTIVE,
    attempt,
    expect_same_content,
    expect_sound,
    find_active,
    heal,
    read_mandates,
    roles,
    switch,
)

pytestmark = [pytest.mark.platform, pytest.mark.xdist_group("switchable")]  # one platform

BEATS = "SELECT count(*) FROM nr.battement"
BEAT = "SELECT nr.usp_battre(gen_random_uuid(), 1)"
STATE = "SELECT ha.usp_etat()"


@pytest.fixture
def platform(switchable: Layout) -> Layout:
    """The platform with SITE-A active and sound."""
    heal(switchable, ACTIVE)
    expect_sound(switchable, ACTIVE)
    return switchable


def count_senders(layout: Layout, site: str) -> int:
    """Subscribers that are connected to a site."""
    return int(query(layout, site, "SELECT count(*) FROM pg_stat_replication", user="aquareel_admin")[0][0])


@contextmanager
def cut_link(layout: Layout) -> Iterator[None]:
    """The link between the sites cut, and restored afterwards."""
    relay = layout.config_file(PASSIVE, "relais")
    settings = relay.read_text(encoding="utf-8")
    relay.write_text(json.dumps(json.loads(settings) | {"coupe": True}), encoding="utf-8")
    try:
        wait_until(lambda: all(count_senders(layout, site) == 0 for site in DATABASE_SITES), 5, "coupure")
        yield
    finally:
        relay.write_text(settings, encoding="utf-8")
        wait_until(lambda: passes(layout), 5, "liaison rétablie")


def passes(layout: Layout) -> bool:
    """True when SITE-A reaches SITE-B's database through the link."""
    with suppress(SwitchoverRefused):
        check_link(layout, ACTIVE)
        return True
    return False


@contextmanager
def frozen_database(layout: Layout, site: str) -> Iterator[None]:
    """Every process of a site's server stopped, as by a machine that hangs: it takes connections and never answers."""
    server = find_recorded(layout.pid_file(site, "postgresql"))
    assert server is not None
    family = [server, *server.children(recursive=True)]
    try:
        for process in family:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGSTOP)
        yield
    finally:
        for process in family:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGCONT)


def read_seconds(output: str) -> float:
    """How long the tool says that it worked."""
    found = re.search(r"\(([0-9.]+) s\)\.$", output.strip())
    assert found is not None, output
    return float(found[1])


def expect_replicated(layout: Layout, active: str, passive: str) -> None:
    """A row written on the active site arrives on the other one."""
    query(layout, active, BEAT, user="nr_writer")
    wait_until(
        lambda: query(layout, passive, BEATS) == query(layout, active, BEATS), 10, "réplication vivante"
    )


def test_refusals_are_one_sentence_and_change_nothing(platform: Layout) -> None:
    before = roles(platform), read_mandates(platform)
    already = (1, "", "Bascule refusée : SITE-A est déjà actif.\n")
    assert switch(platform, "--vers", ACTIVE) == switch(platform, "--vers", ACTIVE, "--force") == already
    code, output, errors = switch(platform, "--reinitialiser", ACTIVE)
    assert (code, output, errors) == (1, "", "Réinitialisation refusée : SITE-B n'est pas actif.\n")
    for words in ("--vers SITE-Z", "", "--vers SITE-B --etat", "--reinitialiser SITE-B --force"):
        code, output, errors = switch(platform, *words.split())
        assert (code, output, errors.count("\n")) == (3, "", 1), words
    assert (roles(platform), read_mandates(platform)) == before
    expect_sound(platform, ACTIVE)


def test_a_site_that_does_not_answer_is_not_switched_to_nor_copied_from(platform: Layout) -> None:
    stop_service(platform, PASSIVE, "postgresql")
    try:
        refusal = "refusée : la base de SITE-B ne répond pas.\n"
        assert switch(platform, "--vers", PASSIVE) == (1, "", f"Bascule {refusal}")
        assert switch(platform, "--reinitialiser", ACTIVE) == (1, "", f"Réinitialisation {refusal}")
        assert roles(platform) == A_ACTIVE
        assert switch(platform, "--etat")[1].splitlines()[1] == "SITE-B : ne répond pas"
    finally:
        start_service(platform, PASSIVE, "postgresql")
    expect_sound(platform, ACTIVE)


def test_a_second_tool_is_refused_while_one_is_at_work_but_may_look(platform: Layout) -> None:
    with hold_tool(platform):
        for words in ("--vers SITE-B", "--vers SITE-B --force", "--reinitialiser SITE-B"):
            refusal = (1, "", "Bascule refusée : une bascule est déjà en cours.\n")
            assert switch(platform, *words.split()) == refusal
        code, output, _ = switch(platform, "--etat")
    mandate = read_mandates(platform)[0]
    seen = f"SITE-A ACTIF, SITE-B PASSIF, SITE-S SURVEILLANCE ; mandat {mandate} ;"
    assert code == 0
    assert output.splitlines() == [
        f"SITE-A : {seen} réplication vers SITE-B en flux",
        f"SITE-B : {seen} réplication depuis SITE-A en flux",
    ]


def test_a_switchover_that_cannot_deliver_everything_goes_back(platform: Layout) -> None:
    with cut_link(platform):
        query(platform, ACTIVE, BEAT, user="nr_writer")
        code, _, errors = switch(platform, "--vers", PASSIVE, "--delai", "0.5")
        assert code == 1
        assert errors == (
            "Bascule abandonnée, SITE-A reste actif : délai de 0.5 s dépassé : le site passif n'a pas tout reçu.\n"
        )
        assert roles(platform) == roles(platform, PASSIVE) == A_ACTIVE
    expect_replicated(platform, ACTIVE, PASSIVE)
    expect_sound(platform, ACTIVE)


def test_a_switchover_that_its_operator_gives_up_goes_back(platform: Layout) -> None:
    command = [
        sys.executable,
        "-m",
        "nonreg.sandbox.switchover",
        "--dir",
        str(platform.root),
        "--vers",
        PASSIVE,
    ]
    with cut_link(platform):
        query(platform, ACTIVE, BEAT, user="nr_writer")
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as tool:
            wait_until(lambda: query(platform, ACTIVE, STATE) == [("PASSIF",)], 10, "écritures arrêtées")
            tool.terminate()
            _, errors = tool.communicate(timeout=10)
        assert (tool.returncode, errors) == (1, "Bascule abandonnée, SITE-A reste actif : interrompue.\n")
        assert find_active(platform) == [ACTIVE]
    expect_replicated(platform, ACTIVE, PASSIVE)
    expect_sound(platform, ACTIVE)


def test_a_switchover_waits_for_a_transaction_that_may_still_write_and_goes_back_when_it_does_not_end(
    platform: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nonreg.sandbox.switchover.nodes.QUIET_SECONDS", 0.5)
    with psycopg.connect(
        host=platform.address(ACTIVE),
        port=PORTS["postgresql"],
        dbname=DATABASE,
        user="nr_writer",
        password=platform.secrets()["AQ_WRITER_PASSWORD"],
    ) as slow:
        assert slow.execute(STATE).fetchone() == ("ACTIF",)
        refusal = attempt(platform, PASSIVE)
        assert refusal.startswith("Bascule abandonnée, SITE-A reste actif")
        assert "des écritures sont encore en cours" in refusal
        slow.execute(BEAT)
    expect_replicated(platform, ACTIVE, PASSIVE)
    expect_sound(platform, ACTIVE)


def test_an_active_site_that_nobody_confirms_is_confirmed_by_the_tool(platform: Layout) -> None:
    stop_service(platform, ACTIVE, "supervision")
    try:
        restart_service(platform, ACTIVE, "postgresql")
        assert query(platform, ACTIVE, STATE) == [("ATTENTE",)]
        assert "(en attente de confirmation)" in switch(platform, "--etat")[1].splitlines()[0]
        wait_until(lambda: switch(platform, "--vers", ACTIVE)[0] == 0, 20, "abonné revenu", poll_seconds=0.2)
        assert query(platform, ACTIVE, STATE) == [("ACTIF",)]
    finally:
        start_service(platform, ACTIVE, "supervision")
    expect_sound(platform, ACTIVE)


def test_a_station_that_pushes_during_a_switchover_and_the_return_loses_nothing(platform: Layout) -> None:
    with own_station(platform) as station:
        accepted = 0

        def keep_pushing(count: int) -> int:
            nonlocal accepted
            for _ in range(count):
                minutes = accepted * 5
                at = f"2026-11-{1 + minutes // 1440:02d}T{minutes // 60 % 24:02d}:{minutes % 60:02d}:00"
                accepted += (
                    push(platform, frame(station.code, ("H", at, "400")), station.code).status_code == 200
                )
            return accepted

        assert keep_pushing(20) == 20
        with open_ssh(platform) as client:
            code, output, errors = run_ssh(client, "bascule --vers SITE-B")
        assert (code, errors) == (0, "")
        assert read_seconds(output) < 2
        assert output.startswith("1. écritures arrêtées sur SITE-A")
        assert output.splitlines()[-1].startswith("Bascule terminée : SITE-B est actif")
        assert roles(platform) == roles(platform, PASSIVE) == B_ACTIVE
        wait_until(lambda: read_state(platform, PASSIVE)["role"] == "ACTIF", 5, "supervision à jour")
        assert wait_until(lambda: keep_pushing(20) >= 40, 10)
        assert switch(platform, "--vers", ACTIVE)[0] == 0
        assert wait_until(lambda: keep_pushing(20) >= 60, 10)
        stored = "SELECT count(*) FROM {} WHERE cap_id = %s"
        assert query(platform, ACTIVE, stored.format("tampon.mesure"), station.h_sensor) == [(accepted,)]
        production = stored.format("prod.mesure")
        wait_until(
            lambda: query(platform, PASSIVE, production, station.h_sensor) == [(accepted,)], 10, "affinage"
        )
    expect_same_content(platform)
    expect_sound(platform, ACTIVE)


def test_a_lost_site_is_replaced_by_force_only_and_filled_again_when_it_returns(platform: Layout) -> None:
    stop_service(platform, ACTIVE, "postgresql")
    try:
        assert switch(platform, "--vers", PASSIVE)[0] == 1
        assert switch(platform, "--vers", PASSIVE, "--force")[0] == 0
        assert query(platform, PASSIVE, STATE) == [("ACTIF",)]
        taken = frame("V714401001", ("H", "2026-11-20T06:00:00", "1"))
        wait_until(lambda: push(platform, taken).ok, 10, "trame prise par SITE-B")
    finally:
        start_service(platform, ACTIVE, "postgresql")
    assert "« bascule --reinitialiser SITE-A »" in switch(platform, "--vers", PASSIVE)[2]
    code, output, errors = switch(platform, "--reinitialiser", ACTIVE)
    assert (code, errors) == (0, "")
    assert output.splitlines()[-1].startswith("Réinitialisation terminée : SITE-A reçoit tout de SITE-B")
    expect_sound(platform, PASSIVE)
    expect_same_content(platform)
    assert switch(platform, "--vers", ACTIVE)[0] == 0


def test_a_takeover_by_force_does_not_wait_for_a_site_that_hangs_nor_give_out_its_numbers_again(
    platform: Layout,
) -> None:
    event = "INSERT INTO evt.evenement (evt_id, evt_module, evt_niveau, evt_message) VALUES (%s, 'essai', 1, 'essai')"
    query(platform, ACTIVE, event, 5_000_000, user="aquareel_admin")
    arrived = "SELECT count(*) FROM evt.evenement WHERE evt_id = 5000000"
    wait_until(lambda: query(platform, PASSIVE, arrived) == [(1,)], 10, "événement reçu")
    with frozen_database(platform, ACTIVE):
        code, output, _ = switch(platform, "--vers", PASSIVE, "--force")
        assert code == 0
        assert read_seconds(output) < 2
        given = "SELECT evt.usp_journaliser('essai', 1, NULL, true, 'essai')"
        assert query(platform, PASSIVE, given, user="aquareel_app")[0][0] > 5_000_000
    wait_until(lambda: find_active(platform) == [PASSIVE], 10, "SITE-A cède")
    query(platform, PASSIVE, "DELETE FROM evt.evenement WHERE evt_module = 'essai'", user="aquareel_admin")
    heal(platform, PASSIVE)
    expect_sound(platform, PASSIVE)


def test_of_two_active_sites_the_one_taken_by_force_keeps_its_data(platform: Layout) -> None:
    with cut_link(platform):
        stop_service(platform, ACTIVE, "supervision")  # or the witness tells it to step down
        try:
            assert switch(platform, "--vers", PASSIVE, "--force")[0] == 0
            assert find_active(platform) == [ACTIVE, PASSIVE]
            older, newer = read_mandates(platform)
            assert newer == older + 1
            query(platform, ACTIVE, BEAT, user="nr_writer")  # lost with the rest of SITE-A
            query(platform, PASSIVE, BEAT, user="nr_writer")
            kept = query(platform, PASSIVE, BEATS)
            assert "se disent actifs" in switch(platform, "--vers", PASSIVE)[2]
            assert "mandat plus récent" in switch(platform, "--reinitialiser", PASSIVE)[2]
            refusal = (
                "Réinitialisation refusée : SITE-A n'atteint pas SITE-B par la liaison entre les sites.\n"
            )
            assert switch(platform, "--reinitialiser", ACTIVE) == (1, "", refusal)
            assert find_active(platform) == [ACTIVE, PASSIVE]
        finally:
            start_service(platform, ACTIVE, "supervision")
    heal(platform, PASSIVE)
    expect_sound(platform, PASSIVE)
    assert query(platform, ACTIVE, BEATS) == kept
