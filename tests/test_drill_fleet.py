"""A drill's clients on a real platform: nothing lost at rest, faults seen to the hundredth, doubts told as doubts."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from nonreg.bench import Bench, TestStation, open_bench
from nonreg.clients.line import Line
from nonreg.clients.web import WebSession
from nonreg.config import Platform, Site, load_platform
from nonreg.drills.client import Clock
from nonreg.drills.crew import FleetPlan
from nonreg.drills.fleet import READS, SEEN, WRITES, Fleet, open_fleet
from nonreg.drills.history import Attempt, read_history
from nonreg.drills.interruptions import find_interruptions, measure_resolution
from nonreg.drills.numbering import PlacedStation, expected_value, place_stations
from nonreg.drills.observed import (
    Observed,
    account_for,
    find_outage,
    list_events,
    match_alarms,
    read_moments,
    summarise_clients,
)
from nonreg.drills.presence import count_present
from nonreg.drills.recovery import split_recovery
from nonreg.drills.writers import DirectWriter
from nonreg.model import SiteRole
from nonreg.model.drill import Accounting, WriteOutcome
from nonreg.sandbox.control import start_service
from nonreg.sandbox.launch import start_instance, stop_instance
from nonreg.sandbox.layout import ACTIVE, PASSIVE, Layout
from nonreg.sandbox.processes import find_recorded
from nonreg.waiting import DeadlinePassed, wait_until
from tests.sandbox.bench import query

pytestmark = [pytest.mark.platform, pytest.mark.xdist_group("fleet")]  # one platform

REST_SECONDS = 1.0
WITHIN_SECONDS = 10.0
LOAD_WRITES, LOAD_WITHIN_SECONDS = 200, 60.0  # what a second at rest sees; a busy machine takes longer


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Layout]:
    """A platform to break, put back by each test."""
    instance = start_instance(tmp_path_factory.mktemp("flotte"))
    yield instance.layout
    stop_instance(instance)


@pytest.fixture(scope="module")
def platform(layout: Layout) -> Platform:
    return load_platform(str(layout.platform_file))


@pytest.fixture
def bench(platform: Platform) -> Iterator[Bench]:
    """Test data of a campaign, removed from the nominal active site when it is active again."""
    with open_bench(platform, platform.site(SiteRole.ACTIF), str(uuid.uuid4())) as opened:
        yield opened


def make_stations(bench: Bench, count: int = 2) -> list[TestStation]:
    """Committed test stations."""
    stations = [bench.create_station() for _ in range(count)]
    bench.session.commit()
    return stations


def kill(layout: Layout, site: str, service: str) -> None:
    """SIGKILL."""
    process = find_recorded(layout.pid_file(site, service))
    assert process is not None
    process.kill()


def switch(layout: Layout, target: str) -> None:
    """A planned switchover, by the tool."""
    words = [sys.executable, "-m", "nonreg.sandbox.switchover", "--dir", str(layout.root), "--vers", target]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr


@contextmanager
def work(
    platform: Platform, bench: Bench, folder: Path, direct_writers: int = 1, stations: int = 2
) -> Iterator[Fleet]:
    """A fleet that has been at rest for a second."""
    with open_fleet(
        platform,
        bench.campaign_id,
        folder,
        time.monotonic(),
        stations=make_stations(bench, stations),
        direct_writers=direct_writers,
    ) as fleet:
        fleet.wait_all_served(0.0, WITHIN_SECONDS)
        fleet.wait_acknowledged(fleet.now() + REST_SECONDS, WITHIN_SECONDS)
        yield fleet


def settle(
    platform: Platform, bench: Bench, fleet: Fleet, site: Site, fault: float | None
) -> tuple[Observed, Accounting]:
    """What was seen and the accounting on the then active site."""
    observed = fleet.stop()
    return observed, account_for(
        observed, count_present(platform, site, bench.campaign_id, fleet.stations), fault
    )


def expect_nothing_wrong(accounting: Accounting) -> None:
    """No write invented or doubled, in a history that can be believed."""
    assert accounting.problems == accounting.phantom == accounting.duplicates == ()


def test_at_rest_every_write_is_acknowledged_and_there_and_all_is_on_file(
    platform: Platform, bench: Bench, tmp_path: Path
) -> None:
    with work(platform, bench, tmp_path) as fleet:
        sink_url = platform.site(SiteRole.SURVEILLANCE).web.puits
        assert sink_url is not None
        with WebSession(sink_url, 5.0) as sink:
            for word in ("OUVERTURE", "FERMETURE"):
                call = f'{{"ala_id": 0, "destinataire": "essai-a@exemple.invalid", "texte": "{word} Essai"}}'
                sink.post("/appels", call.encode(), "application/json")
        wait_until(lambda: len(fleet.look().calls) == 2, WITHIN_SECONDS, "appels vus")
        with pytest.raises(DeadlinePassed):
            fleet.wait_acknowledged(fleet.now() + 60, 0.05)
    observed, accounting = settle(platform, bench, fleet, platform.site(SiteRole.ACTIF), None)
    expect_nothing_wrong(accounting)
    assert accounting.lost == accounting.unknown_absent == accounting.unknown_present == ()
    assert accounting.acknowledged == accounting.present == len(observed.writes)
    summaries = summarise_clients(observed)
    assert [one.client for one in summaries] == ["direct-1", "station-1", "station-2", "lecture", "page"]
    assert [one.writes for one in summaries] == [True, True, True, False, False]
    assert all(one.attempts == one.acknowledged > 0 and one.cost_seconds > 0 for one in summaries)
    history = read_history(tmp_path / WRITES)
    assert history.attempts == observed.writes
    assert history.problems == read_history(tmp_path / READS).problems == ()
    assert read_history(tmp_path / READS).attempts == observed.reads
    assert (tmp_path / SEEN).read_text(encoding="utf-8").count("\n") == len(observed.roles) + 2
    assert {(one.site, one.role) for one in observed.roles} == {(ACTIVE, "ACTIF"), (PASSIVE, "PASSIF")}
    (alarm,) = match_alarms(observed.calls, ["Essai"])
    assert alarm.closed_seconds is not None
    assert [event.subject for event in list_events(observed)] == ["Essai", "Essai"]


def test_a_value_that_nobody_sent_and_a_measure_that_went_are_found(
    platform: Platform, layout: Layout, bench: Bench, tmp_path: Path
) -> None:
    with work(platform, bench, tmp_path, direct_writers=0, stations=1) as fleet:
        code = fleet.stations[0].code
    of_station = "cap_id IN (SELECT cap_id FROM ref.capteur WHERE sta_code = %s) AND tmp_valeur = %s"
    change = f"UPDATE tampon.mesure SET tmp_valeur = 12 WHERE {of_station}"
    remove = f"DELETE FROM tampon.mesure WHERE {of_station}"
    for statement, sequence in ((change, 3), (remove, 5)):
        query(layout, ACTIVE, statement, code, expected_value(sequence), user="aquareel_admin")
    _, accounting = settle(platform, bench, fleet, platform.site(SiteRole.ACTIF), fleet.now())
    assert accounting.lost == ("station-1:3", "station-1:5")
    assert accounting.phantom == ("station-1 (valeur 12.000):3",)
    assert accounting.rpo_seconds is not None
    assert accounting.rpo_seconds > REST_SECONDS / 2


def test_stations_go_to_the_secondary_frontal_when_the_active_one_is_killed(
    platform: Platform, layout: Layout, bench: Bench, tmp_path: Path
) -> None:
    try:
        with work(platform, bench, tmp_path) as fleet:
            fault = fleet.now()
            kill(layout, ACTIVE, "frontal")
            for station in fleet.stations:
                fleet.wait_acknowledged(fault + 0.5, WITHIN_SECONDS, station.client)
    finally:
        start_service(layout, ACTIVE, "frontal")
    observed, accounting = settle(platform, bench, fleet, platform.site(SiteRole.ACTIF), fault)
    expect_nothing_wrong(accounting)
    assert accounting.lost == ()
    for station in fleet.stations:
        good = [one for one in observed.of(station.client) if one.outcome is WriteOutcome.ACK]
        assert (good[0].target, good[-1].target) == (ACTIVE, PASSIVE)
    outage = find_outage(observed, fault)
    assert outage is not None
    assert outage.interruption.seconds < 1.0
    assert not outage.interruption.open_ended


def test_a_planned_switchover_under_load_loses_nothing_and_its_interruption_is_seen(
    platform: Platform, layout: Layout, bench: Bench, tmp_path: Path
) -> None:
    with work(platform, bench, tmp_path, direct_writers=8) as fleet:
        wait_until(lambda: len(fleet.look().writes) >= LOAD_WRITES, LOAD_WITHIN_SECONDS)
        order = fleet.now()
        switch(layout, PASSIVE)
        try:
            fleet.wait_all_served(fleet.now(), WITHIN_SECONDS)
            observed, accounting = settle(platform, bench, fleet, platform.site(SiteRole.PASSIF), None)
        finally:
            switch(layout, ACTIVE)
    expect_nothing_wrong(accounting)
    assert accounting.lost == ()
    assert {one.client for one in observed.writes if one.sent_seconds <= order} >= {
        f"direct-{number}" for number in range(1, 9)
    }
    direct = observed.of("direct-1")
    good = [one.target for one in direct if one.outcome is WriteOutcome.ACK]
    assert (good[0], good[-1]) == (ACTIVE, PASSIVE)
    events = list_events(observed)
    (quiet,) = (one.at_seconds for one in events if one.subject == ACTIVE and "se dit PASSIF" in one.text)
    moments = read_moments(observed, order, find_outage(observed, order), tool_started=order)
    assert moments.declared is not None
    assert order < quiet < moments.declared
    recovery = split_recovery(moments)
    assert recovery.total_seconds is not None
    assert abs(recovery.total_seconds - (moments.declared - quiet)) < 1.0
    assert recovery.switchover_seconds is not None
    assert recovery.detection_seconds is recovery.operator_seconds is None
    (summary,) = (one for one in summarise_clients(observed, order) if one.client == "direct-1")
    assert any(order < one.from_seconds and one.attempts > 0 for one in summary.interruptions)


@contextmanager
def cut_commits(site: Site, *, forward: bool) -> Iterator[Site]:
    """The site behind a proxy that hangs up at a COMMIT: before it passes, or when it has."""
    assert site.database is not None
    address = (site.database.host, site.database.port)

    def pump(source: socket.socket, sink: socket.socket, *, watched: bool) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 16):
                last = watched and b"COMMIT" in data
                if not last or forward:
                    sink.sendall(data)
                if last:
                    source.shutdown(socket.SHUT_RDWR)
                    return
            sink.shutdown(socket.SHUT_RDWR)

    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            with suppress(OSError):
                while True:
                    client, there = server.accept()[0], socket.create_connection(address)
                    for ends, watched in (((client, there), True), ((there, client), False)):
                        threading.Thread(
                            target=pump, args=ends, kwargs={"watched": watched}, daemon=True
                        ).start()

        threading.Thread(target=accept, daemon=True).start()
        yield replace(site, database=replace(site.database, host="127.0.0.1", port=server.getsockname()[1]))
        server.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("forward", [False, True])
def test_a_link_lost_at_the_commit_is_a_doubt_that_goes_either_way(
    platform: Platform, bench: Bench, forward: bool
) -> None:
    seen: list[Attempt] = []
    active = platform.site(SiteRole.ACTIF)
    with cut_commits(active, forward=forward) as behind:
        lines = [Line(platform, site, "writer") for site in (behind, platform.site(SiteRole.PASSIF))]
        writer = DirectWriter(1, lines, bench.campaign_id, Clock(time.monotonic()), 0.02, seen.append)
        assert writer.take_turn(), seen
        writer.take_turn()
        writer.close()
    assert [one.outcome for one in seen] == [WriteOutcome.UNKNOWN, WriteOutcome.ERR]
    assert [one.target for one in seen] == [ACTIVE, PASSIVE]

    def look() -> Accounting:
        present = count_present(platform, active, bench.campaign_id, ())
        return account_for(Observed((), tuple(seen), (), (), ()), present, None)

    doubt = ("direct-1:1000000001",)
    if forward:
        wait_until(lambda: look().unknown_present == doubt, WITHIN_SECONDS, "écriture présente")
    else:
        assert look().unknown_absent == doubt
    expect_nothing_wrong(look())


def test_a_killed_database_leaves_doubts_and_an_open_interruption_until_it_is_back(
    platform: Platform, layout: Layout, bench: Bench, tmp_path: Path
) -> None:
    with work(platform, bench, tmp_path, direct_writers=2) as fleet:
        fault = fleet.now()
        kill(layout, ACTIVE, "postgresql")
        try:
            wait_until(lambda: fleet.now() > fault + 1.0, 2.0)
            lasting = find_outage(fleet.look(), fault)
        finally:
            start_service(layout, ACTIVE, "postgresql")
        fleet.wait_all_served(fleet.now(), WITHIN_SECONDS)
    observed, accounting = settle(platform, bench, fleet, platform.site(SiteRole.ACTIF), fault)
    assert lasting is not None
    assert lasting.interruption.open_ended
    assert lasting.resolution_seconds is None
    expect_nothing_wrong(accounting)
    outcomes = {one.outcome for one in observed.writes if one.sent_seconds > fault}
    assert outcomes == set(WriteOutcome)
    assert accounting.unknown_absent != ()
    assert accounting.rpo_seconds is not None
    assert accounting.rpo_seconds < 1.0  # the platform commits without waiting for its log
    writers = [observed.of(one.name) for one in observed.clients if one.writes]
    longest = [find_interruptions(attempts, 0.0)[0] for attempts in writers]
    assert all(one.seconds > 1.0 and not one.open_ended for one in longest)
    resolutions = [measure_resolution(*pair) or 0.0 for pair in zip(writers, longest, strict=True)]
    cost = max(one.cost_seconds for one in summarise_clients(observed, fault) if one.writes)
    assert min(resolutions) < 0.05 + 10 * cost  # 25 ms on a machine that does nothing else
    assert "la base de SITE-A ne répond plus" in [event.text for event in list_events(observed)]


def test_a_client_that_cannot_go_on_makes_the_history_unbelievable(
    platform: Platform, bench: Bench, tmp_path: Path
) -> None:
    (placed,) = place_stations(make_stations(bench, 1), datetime.now(UTC))
    short: PlacedStation = replace(placed, capacity=3)
    plan = FleetPlan(bench.campaign_id, (short,), direct_writers=0, readers=False)
    fleet = Fleet(platform, plan, tmp_path, Clock(time.monotonic()))
    wait_until(lambda: fleet.look().problems, WITHIN_SECONDS, "problème signalé")
    observed, accounting = settle(platform, bench, fleet, platform.site(SiteRole.ACTIF), None)
    assert len(observed.writes) == 3
    assert accounting.problems == (
        f"station-1 s'est arrêté : La station {short.code} n'a plus d'heure passée à envoyer.",
    )
