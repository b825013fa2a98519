"""The lies that drills must catch are told: each defect does on a running platform what its title says."""

from __future__ import annotations

import itertools
import threading
import uuid
from collections.abc import Iterator

import pytest

from nonreg.sandbox import processes
from nonreg.sandbox.control import restart_service, start_service, stop_service
from nonreg.sandbox.defects import DEFECTS, apply_defect
from nonreg.sandbox.launch import start_instance, stop_instance
from nonreg.sandbox.layout import ACTIVE, DATABASE_SITES, PASSIVE, Layout
from nonreg.waiting import wait_until
from tests.sandbox.bench import (
    OwnStation,
    count_buffered,
    frame,
    own_station,
    push,
    query,
    read_calls,
    read_state,
)
from tests.sandbox.switching import attempt

pytestmark = [pytest.mark.drills, pytest.mark.xdist_group("lies")]  # one platform, and minutes

BEATS = "SELECT bat_seq FROM nr.battement WHERE campaign_id = %s ORDER BY 1"
LIES = {
    "early-acknowledgement",
    "lossy-switchover",
    "replaying-switchover",
    "silent-supervision",
    "unfenced-return",
}


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Layout]:
    """A platform that tells every lie: none hides another."""
    instance = start_instance(tmp_path_factory.mktemp("mensonges") / "banc")
    for name in sorted(LIES):
        apply_defect(instance.layout, name)
    yield instance.layout
    stop_instance(instance)


@pytest.fixture
def station(platform: Layout) -> Iterator[OwnStation]:
    """A station of the test's own."""
    with own_station(platform) as one:
        yield one


def push_value(layout: Layout, station: OwnStation, number: int) -> bool:
    """Push the measure of one five-minute step; true when it is acknowledged as stored."""
    at = f"2026-11-20T{number // 12:02d}:{number % 12 * 5:02d}:00"
    reply = push(layout, frame(station.code, ("H", at, "400")), station.code)
    return reply.status_code == 200 and 'inserees="1"' in reply.text


def test_the_lies_for_drills_are_these() -> None:
    assert {name for name, defect in DEFECTS.items() if defect.for_drills} == LIES


def test_a_frame_is_acknowledged_before_it_is_stored_and_lost_when_the_frontal_dies(
    platform: Layout, station: OwnStation
) -> None:
    assert push_value(platform, station, 1)
    wait_until(lambda: count_buffered(platform, station.code) == 1, 5, "enregistrée après coup")
    process = processes.find_recorded(platform.pid_file(ACTIVE, "frontal"))
    assert process is not None
    assert push_value(platform, station, 2)
    process.kill()
    process.wait(5)
    start_service(platform, ACTIVE, "frontal")
    assert push_value(platform, station, 3)
    wait_until(lambda: count_buffered(platform, station.code) == 2, 5, "la suivante enregistrée")


def test_frames_acknowledged_just_before_the_role_moves_are_lost(
    platform: Layout, station: OwnStation
) -> None:
    acknowledged, stop = 0, threading.Event()

    def keep_pushing() -> None:
        nonlocal acknowledged
        for number in itertools.takewhile(lambda _: not stop.is_set(), itertools.count()):
            acknowledged += push_value(platform, station, number)

    pushing = threading.Thread(target=keep_pushing)
    pushing.start()
    try:
        wait_until(lambda: count_buffered(platform, station.code) > 3, 10, "trames enregistrées")
        assert attempt(platform, PASSIVE) == ""
    finally:
        stop.set()
        pushing.join(10)
    log = platform.log_file(ACTIVE, "frontal")
    lost = f"acquittée mais non enregistrée ({station.code})"
    wait_until(lambda: lost in log.read_text(encoding="utf-8"), 5, "trame perdue")
    assert attempt(platform, ACTIVE) == ""
    assert count_buffered(platform, station.code) < acknowledged


def test_one_beat_in_a_thousand_does_not_arrive(platform: Layout) -> None:
    campaign = str(uuid.uuid4())
    for number in range(1, 11):
        query(platform, ACTIVE, "SELECT nr.usp_battre(%s, %s)", campaign, number, user="nr_writer")
    wait_until(lambda: query(platform, PASSIVE, BEATS, campaign)[-1:] == [(10,)], 10, "dernier battement")
    assert [number for (number,) in query(platform, PASSIVE, BEATS, campaign)] == [1, 2, 3, 4, 5, 6, 8, 9, 10]


def test_the_seventh_measure_of_a_sensor_arrives_twice(platform: Layout, station: OwnStation) -> None:
    send = (
        "SELECT tampon.usp_inserer(%s, 'H', timestamp '2026-11-20' + %s * interval '1 hour', 400,"
        " 'IP', 'BANC', false)"
    )
    for hour in range(9):
        query(platform, ACTIVE, send, station.code, hour, user="nr_writer")
    copies = (
        "SELECT extract(hour FROM tmp_horodatage)::integer, count(*) FROM tampon.mesure WHERE cap_id = %s"
        " AND tmp_id %% 1000 <> 7 GROUP BY 1 HAVING count(*) > 1"
    )
    wait_until(lambda: query(platform, PASSIVE, copies, station.h_sensor), 10, "mesure rejouée")
    assert query(platform, ACTIVE, copies, station.h_sensor) == []


def test_an_active_site_that_comes_back_is_active_at_once(platform: Layout) -> None:
    for site in DATABASE_SITES:
        stop_service(platform, site, "supervision")  # nobody confirms
    try:
        restart_service(platform, ACTIVE, "postgresql")
        assert query(platform, ACTIVE, "SELECT ha.usp_etat()") == [("ACTIF",)]
    finally:
        for site in DATABASE_SITES:
            start_service(platform, site, "supervision")


def test_a_technical_alarm_is_on_the_screens_and_not_sent(platform: Layout) -> None:
    label = f"Service client arrêté sur {ACTIVE}"
    stop_service(platform, ACTIVE, "client")
    try:
        wait_until(
            lambda: label in [alarm["libelle"] for alarm in read_state(platform, ACTIVE)["alarmes"]],
            12,
            label,
        )
        log = platform.log_file(ACTIVE, "supervision")
        wait_until(
            lambda: "transmission des alarmes techniques" in log.read_text(encoding="utf-8"), 5, "échec noté"
        )
        assert read_calls(platform, label) == []
    finally:
        start_service(platform, ACTIVE, "client")
