"""The IP frontal: what it takes, what it refuses, and that a refusal changes nothing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from nonreg.sandbox.layout import ACTIVE, PASSIVE, Layout
from nonreg.waiting import wait_until
from tests.sandbox.bench import STATION, count_buffered, frame, own_station, push, query, url, web_session

AT = "2026-11-20T06:00:00"
GOOD = frame(STATION, ("H", AT, "523.0"))
BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE lns [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">'
    b'<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]><lns version="1.0"><station code="&c;"/></lns>'
)
BAD_FRAMES = {
    "tronquée": (GOOD[:-20], 400),
    "vide": (b"", 400),
    "octets hors encodage": (
        b'<?xml version="1.0" encoding="UTF-8"?>' + GOOD.replace(b"523.0", b"\xe9\xff"),
        400,
    ),
    "encodage inconnu": (b'<?xml version="1.0" encoding="klingon"?>' + GOOD, 400),
    "bombe d'entités": (BOMB, 400),
    "entité externe": (
        b'<!DOCTYPE l [<!ENTITY x SYSTEM "file:///etc/passwd">]><lns version="1.0">&x;</lns>',
        400,
    ),
    "autre racine": (b"<autre/>", 400),
    "sans station": (b'<lns version="1.0"/>', 400),
    "sans mesure": (frame(STATION), 422),
    "code station mal formé": (frame("inconnue", ("H", AT, "1")), 422),
    "station inconnue": (frame("Z999999999", ("H", AT, "1")), 404),
    "grandeur inconnue": (frame(STATION, ("T", AT, "1")), 422),
    "NaN": (frame(STATION, ("H", AT, "NaN")), 422),
    "infini": (frame(STATION, ("H", AT, "inf")), 422),
    "exposant": (frame(STATION, ("H", AT, "1e3")), 422),
    "virgule décimale": (frame(STATION, ("H", AT, "12,5")), 422),
    "trop grand": (frame(STATION, ("H", AT, "1234567890")), 422),
    "date impossible": (frame(STATION, ("H", "2026-02-30T00:00:00", "1")), 422),
    "date sans heure": (frame(STATION, ("H", "2026-02-20", "1")), 422),
    "bonne puis mauvaise": (frame(STATION, ("H", AT, "523.0"), ("H", AT, "NaN")), 422),
    "dix mégaoctets": (b"<lns>" + b" " * (10 << 20), 413),
}


@pytest.mark.parametrize("name", BAD_FRAMES)
def test_a_bad_frame_is_refused_and_logged_stores_nothing_and_the_next_good_one_passes(
    sandbox: Layout, name: str
) -> None:
    body, expected = BAD_FRAMES[name]
    log = sandbox.log_file(ACTIVE, "frontal")
    before, lines = count_buffered(sandbox, STATION), log.read_text(encoding="utf-8").count("\n")

    reply = push(sandbox, body)

    assert reply.status_code == expected
    assert reply.text.startswith('<reponse statut="ERREUR"')
    assert count_buffered(sandbox, STATION) == before
    new_lines = log.read_text(encoding="utf-8").splitlines()[lines:]
    assert any(" AVERTISSEMENT " in line and str(expected) in line for line in new_lines)
    with own_station(sandbox) as station:
        good = push(sandbox, frame(station.code, ("H", AT, "523.0")), user=station.code)
        assert (good.status_code, good.text) == (200, '<reponse statut="OK" inserees="1" doublons="0"/>')


@pytest.mark.parametrize(
    ("user", "password"),
    [(STATION, "faux"), ("V715501001", None), ("inconnu", None), ("", None)],
    ids=["mot de passe faux", "autre station", "pas un code", "vide"],
)
def test_a_sender_who_is_not_the_station_gets_401(sandbox: Layout, user: str, password: str | None) -> None:
    before = count_buffered(sandbox, STATION)
    assert push(sandbox, GOOD, user=user, password=password).status_code == 401
    assert count_buffered(sandbox, STATION) == before


def test_a_frame_without_credentials_or_of_another_type_is_refused(sandbox: Layout) -> None:
    address = url(sandbox, ACTIVE, "frontal", "/lns")
    assert web_session().post(address, GOOD, timeout=10).status_code == 401
    assert push(sandbox, GOOD, headers={"Content-Type": "application/json"}).status_code == 415


def test_the_same_frame_twice_is_stored_once(sandbox: Layout) -> None:
    with own_station(sandbox) as station:
        body = frame(station.code, ("H", AT, "523.0"), ("RR", AT, None))
        first, second = (push(sandbox, body, user=station.code).text for _ in range(2))
        assert 'inserees="2" doublons="0"' in first
        assert 'inserees="0" doublons="2"' in second
        assert count_buffered(sandbox, station.code) == 2


def test_the_passive_site_s_frontal_writes_to_the_active_database_and_signs(sandbox: Layout) -> None:
    with own_station(sandbox) as station:
        assert push(sandbox, frame(station.code, ("H", AT, "1")), station.code, PASSIVE).status_code == 200
        signed = "SELECT tmp_site FROM tampon.mesure WHERE cap_id = %s"
        assert query(sandbox, ACTIVE, signed, station.h_sensor) == [(PASSIVE,)]


def test_a_zone_is_normalised_for_a_utc_station_and_refused_for_a_local_one(sandbox: Layout) -> None:
    times = "SELECT tmp_horodatage::text FROM tampon.mesure WHERE cap_id = %s"
    with own_station(sandbox) as station:
        assert push(sandbox, frame(station.code, ("H", AT + "+02:00", "1")), station.code).status_code == 200
        assert query(sandbox, ACTIVE, times, station.h_sensor) == [("2026-11-20 04:00:00",)]
    with own_station(sandbox, local_time=True) as station:
        assert push(sandbox, frame(station.code, ("H", AT + "+02:00", "1")), station.code).status_code == 422
        assert push(sandbox, frame(station.code, ("H", AT, "1")), station.code).status_code == 200


def test_a_burst_of_frames_is_stored_without_loss(sandbox: Layout) -> None:
    minutes = [f"2026-11-20T{hour:02d}:{minute:02d}:00" for hour in range(20) for minute in range(0, 60, 5)]
    with own_station(sandbox) as station, ThreadPoolExecutor(24) as pool:
        replies = pool.map(
            lambda t: push(sandbox, frame(station.code, ("H", t, "400")), station.code), minutes
        )
        assert {reply.status_code for reply in replies} == {200}
        assert count_buffered(sandbox, station.code) == len(minutes)
        in_production = "SELECT count(*) FROM prod.mesure WHERE cap_id = %s"
        wait_until(
            lambda: query(sandbox, ACTIVE, in_production, station.h_sensor) == [(len(minutes),)],
            10,
            "affinage",
        )
