"""Clients of a drill against servers that misbehave: what they call a doubt, where they go next, what they watch."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import starmap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonreg.bench import TestStation
from nonreg.clients.web import WebSession
from nonreg.config import Secret
from nonreg.drills.client import Clock, WebTarget
from nonreg.drills.history import Attempt
from nonreg.drills.numbering import PlacedStation, identify_beat, place_stations
from nonreg.drills.observed import (
    ClientProfile,
    Observed,
    find_declared,
    find_outage,
    list_events,
    match_alarms,
    read_moments,
)
from nonreg.drills.observers import AlarmWatcher, CallSeen, RoleSeen
from nonreg.drills.readers import PageReader
from nonreg.drills.recovery import Moments
from nonreg.drills.targets import Targets
from nonreg.drills.writers import StationWriter
from nonreg.errors import NonregError
from nonreg.model.drill import AlarmSeen, Interruption, WriteOutcome

ACK, ERR, UNKNOWN = WriteOutcome.ACK, WriteOutcome.ERR, WriteOutcome.UNKNOWN
TAKEN = (200, '<reponse statut="OK" inserees="1" doublons="0"/>')
REFUSED = (404, '<reponse statut="ERREUR" code="STATION_INCONNUE" message="inconnue"/>')
NO_DATABASE = (503, '<reponse statut="ERREUR" code="BASE_INDISPONIBLE" message="indisponible"/>')
ODD = (200, "<html/>")
HANG_UP = (0, "")
NOW = datetime(2026, 11, 24, 10, 2, tzinfo=UTC)


class Server:
    """A local HTTP server that gives the answers of a script, the last one again and again; keeps what it got."""

    def __init__(self, *script: tuple[int, str]) -> None:
        self.script, self.received = list(script), list[str]()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                server.received.append(f"{self.path} {body.decode()}".strip())
                status, text = server.script.pop(0) if len(server.script) > 1 else server.script[0]
                if not status:
                    self.close_connection = True
                    return
                self.send_response(status)
                self.send_header("Content-Length", str(len(text.encode())))
                self.end_headers()
                self.wfile.write(text.encode())

            do_GET = do_POST  # noqa: N815

            def log_message(self, *_: object) -> None:
                """Silent."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def stop(self) -> None:
        """Refuse connections from now on."""
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    started: list[Server] = []

    def start(*script: tuple[int, str]) -> Server:
        started.append(Server(*script))
        return started[-1]

    yield start
    for server in started:
        server.stop()


@contextmanager
def open_station(*urls: str, capacity: int = 9) -> Iterator[tuple[StationWriter, list[Attempt]]]:
    """A station of the frontals SITE-A, SITE-B, and what it recorded."""
    seen: list[Attempt] = []
    placed = PlacedStation("station-1", "Z900000001", datetime.fromisoformat("2026-09-05"), capacity)
    frontals = [
        WebTarget(site, WebSession(url, 1.0)) for site, url in zip(("SITE-A", "SITE-B"), urls, strict=True)
    ]
    writer = StationWriter(placed, frontals, Secret("secret"), Clock(0.0), 0.02, seen.append)
    try:
        yield writer, seen
    finally:
        writer.close()


def shorten(attempts: list[Attempt]) -> list[tuple[int, str, WriteOutcome]]:
    """What counts of some attempts."""
    return [(one.sequence, one.target, one.outcome) for one in attempts]


def test_a_station_whose_primary_frontal_is_gone_pushes_the_same_frame_to_the_other(
    serve: Callable[..., Server],
) -> None:
    gone, other = serve(TAKEN), serve(TAKEN)
    gone.stop()
    with open_station(gone.url, other.url) as (station, seen):
        station.take_turn()
        station.take_turn()
    assert shorten(seen) == [(1, "SITE-A", ERR), (1, "SITE-B", ACK), (2, "SITE-B", ACK)]
    assert other.received == [
        '/lns <lns version="1.0"><station code="Z900000001"><mesure grandeur="H"'
        f' horodatage="2026-09-05T00:{minutes}:00" valeur="{value}"/></station></lns>'
        for minutes, value in (("05", "501"), ("10", "502"))
    ]


@pytest.mark.parametrize("answer", [NO_DATABASE, ODD, HANG_UP])
def test_an_answer_that_says_nothing_sure_is_a_doubt_and_the_other_frontal_is_tried(
    serve: Callable[..., Server], answer: tuple[int, str]
) -> None:
    with open_station(serve(answer).url, serve(TAKEN).url) as (station, seen):
        station.take_turn()
    assert shorten(seen) == [(1, "SITE-A", UNKNOWN), (1, "SITE-B", ACK)]


def test_a_frame_refused_for_what_it_is_is_not_tried_elsewhere(serve: Callable[..., Server]) -> None:
    with open_station(serve(REFUSED, TAKEN).url, serve(TAKEN).url) as (station, seen):
        station.take_turn()
        station.take_turn()
    assert shorten(seen) == [(1, "SITE-A", ERR), (2, "SITE-A", ACK)]
    assert seen[0].detail == "HTTP 404 STATION_INCONNUE"


def test_a_station_without_past_moments_left_stops_rather_than_send_the_future(
    serve: Callable[..., Server],
) -> None:
    with open_station(serve(TAKEN).url, serve(TAKEN).url, capacity=1) as (station, seen):
        station.take_turn()
        with pytest.raises(NonregError, match="n'a plus d'heure passée"):
            station.take_turn()
    assert len(seen) == 1


def test_a_user_signs_in_again_when_asked_and_goes_to_the_other_site_when_the_page_does_not_come(
    serve: Callable[..., Server],
) -> None:
    page = (200, '<html><table id="dernieres"></table></html>\n')
    first = serve((302, ""), (303, ""), page, page, (503, "indisponible"))
    other = serve((302, ""), (303, ""), page, (200, page[1][:-9]))
    seen: list[Attempt] = []
    pages = [WebTarget("SITE-A", WebSession(first.url, 1.0)), WebTarget("SITE-B", WebSession(other.url, 1.0))]
    user = PageReader(pages, "consultation", Secret("secret"), Clock(0.0), 0.25, seen.append)
    for _ in range(4):
        user.take_turn()
    user.close()
    assert shorten(seen) == [
        (1, "SITE-A", ACK),
        (2, "SITE-A", ACK),
        (3, "SITE-A", ERR),
        (3, "SITE-B", ACK),
        (4, "SITE-B", ERR),  # a page cut short
        (4, "SITE-A", ERR),
    ]
    assert [line.split()[0] for line in first.received] == ["/dernieres", "/connexion", *["/dernieres"] * 4]


class Place:
    """A target."""

    def __init__(self, site_code: str) -> None:
        self.site_code = site_code


def test_a_target_that_hangs_is_left_alone_while_the_other_is_asked() -> None:
    now = 0.0
    first, other = Place("SITE-A"), Place("SITE-B")
    targets = Targets([first, other], lambda: now)
    targets.failed(first, 2.0)
    assert targets.order() == [other]
    targets.failed(other, 0.001)
    assert targets.order() == [other]
    now = 9.9
    targets.failed(other, 0.001)
    assert targets.order() == [other]
    now = 10.0
    assert targets.order() == [first, other]
    targets.failed(first, 2.0)
    targets.failed(other, 1.0)
    assert targets.order() == [other]  # none is free: the one that is soonest


def test_targets_that_refuse_at_once_are_tried_in_turn() -> None:
    first, other = Place("SITE-A"), Place("SITE-B")
    targets = Targets([first, other], lambda: 0.0)
    tried = []
    for _ in range(4):
        tried.append(targets.order()[0])
        targets.failed(tried[-1], 0.001)
    assert tried == [first, other, first, other]


def test_the_first_target_is_tried_again_after_a_second_and_kept_once_it_works() -> None:
    now = 0.0
    first, other = Place("SITE-A"), Place("SITE-B")
    targets = Targets([first, other], lambda: now, 1.0)
    targets.failed(first, 0.001)
    targets.worked(other)
    now = 0.9
    assert targets.order() == [other, first]
    now = 1.0
    assert targets.order() == [first, other]
    targets.failed(first, 0.001)
    targets.worked(other)
    assert targets.order() == [other, first]
    now = 2.0
    targets.worked(targets.order()[0])
    assert targets.order() == [first, other]


STATIONS = place_stations([TestStation("Z900000001", 1, 2, 3), TestStation("Z900000002", 4, 5, 6)], NOW)


@given(st.sampled_from(STATIONS), st.integers(1, STATIONS[0].capacity))
def test_a_measure_says_whose_write_it_is_and_lies_in_the_past(station: PlacedStation, sequence: int) -> None:
    reading = station.make_reading(sequence)
    assert station.identify(reading.at, reading.value) == (station.client, sequence)
    assert reading.at <= NOW.replace(tzinfo=None)
    assert reading.value is not None
    for wrong in (reading.value + 1, None):
        assert station.identify(reading.at, wrong)[0] != station.client
    assert station.identify(reading.at + timedelta(seconds=1), reading.value)[0] != station.client


def test_stations_and_beats_have_the_names_of_their_clients() -> None:
    assert [one.client for one in STATIONS] == ["station-1", "station-2"]
    assert STATIONS[0].identify(STATIONS[0].first + timedelta(minutes=5), Decimal(700)) == (
        "station-1 (valeur 700)",
        1,
    )
    assert identify_beat(2_000_000_007) == ("direct-2", 2_000_000_007)
    assert identify_beat(41) is None  # another scenario's


def encode_calls(*texts: str) -> tuple[int, str]:
    """The sink's answer that holds these calls."""
    calls = [
        {"ala_id": 0, "texte": text, "destinataire": "essai-technique@exemple.invalid"} for text in texts
    ]
    return 200, json.dumps({"appels": calls})


def test_an_alarm_is_seen_once_from_its_opening_to_its_closing_and_old_ones_are_not(
    serve: Callable[..., Server],
) -> None:
    old = ("OUVERTURE Site SITE-S muet", "FERMETURE Site SITE-S muet")
    lost = "Service frontal arrêté sur SITE-A"
    opened = (*old, f"OUVERTURE {lost}", "JAUNE Z900000001 STRUCTURE ")
    closed = (*opened, f"OUVERTURE {lost}", f"FERMETURE {lost}")
    again = (*closed, f"OUVERTURE {lost}")
    sink = serve(
        *starmap(encode_calls, (old, opened)), (500, ""), *starmap(encode_calls, (opened, closed, again))
    )
    seen: list[CallSeen] = []
    watcher = AlarmWatcher(WebSession(sink.url, 1.0), Clock(0.0), 0.1, seen.append)
    for _ in range(6):
        watcher.take_turn()
    watcher.close()
    assert [(call.opening, call.label) for call in seen] == [(True, lost), (False, lost), (True, lost)]
    assert {call.recipient for call in seen} == {"essai-technique@exemple.invalid"}


def test_alarms_are_matched_with_those_expected_and_the_last_word_counts() -> None:
    calls = [
        CallSeen(1.0, True, "attendue", "a"),
        CallSeen(2.0, False, "attendue", "a"),
        CallSeen(3.0, True, "attendue", "a"),
        CallSeen(4.0, True, "de plus", "b"),
        CallSeen(5.0, False, "attendue", "a"),
        CallSeen(6.0, False, "d'avant", "a"),
    ]
    assert match_alarms(calls, ["absente", "attendue"]) == (
        AlarmSeen("absente", "", True, None, None, openings=0),
        AlarmSeen("attendue", "a", True, 1.0, 5.0, openings=2),
        AlarmSeen("de plus", "b", False, 4.0, None),
        AlarmSeen("d'avant", "a", False, None, 6.0, openings=0),
    )


def test_an_alarm_that_opened_before_its_fault_came_for_something_else() -> None:
    calls = [CallSeen(1.0, True, "panne", "a"), CallSeen(2.0, False, "panne", "a")]
    (early,) = match_alarms(calls, ["panne"], {"panne": 1.5})
    assert (early.opened_seconds, early.delay_seconds) == (1.0, None)
    (again,) = match_alarms([*calls, CallSeen(3.0, True, "panne", "a")], ["panne"], {"panne": 1.5})
    assert (again.opened_seconds, again.delay_seconds, again.openings) == (3.0, 1.5, 2)


def test_the_moments_of_a_drill_are_changes_of_role_and_alarms_in_order() -> None:
    roles = (
        RoleSeen(0.1, "SITE-A", "ACTIF", 1),
        RoleSeen(3.0, "SITE-A", ""),
        RoleSeen(5.0, "SITE-A", "ATTENTE", 1),
    )
    observed = Observed((), (), (), roles, (CallSeen(4.0, True, "Site SITE-A muet", "a"),))
    assert [(event.at_seconds, event.text) for event in list_events(observed)] == [
        (3.0, "la base de SITE-A ne répond plus"),
        (4.0, "ouverture : Site SITE-A muet"),
        (5.0, "la base de SITE-A se dit ATTENTE, mandat 1"),
    ]


def test_the_outage_is_the_longest_of_the_writers_and_an_open_end_is_longer_than_any() -> None:
    def run(client: str, *moments: tuple[float, WriteOutcome]) -> list[Attempt]:
        return [Attempt(client, n, "SITE-A", at, at, outcome) for n, (at, outcome) in enumerate(moments)]

    closed = run("direct-1", (0, ACK), (1, ACK), (2, ERR), (9, ACK))
    short = run("station-1", (0, ACK), (4, ACK))
    read = run("lecture", (0, ACK), (20, ACK))
    profiles = tuple(
        ClientProfile(name, "", name != "lecture") for name in ("direct-1", "station-1", "lecture")
    )

    def find(*writes: Attempt, since: float = 0.0) -> tuple[str, Interruption, float | None] | None:
        outage = find_outage(Observed(profiles, writes, tuple(read), (), ()), since)
        return None if outage is None else (outage.client, outage.interruption, outage.resolution_seconds)

    assert find(*closed, *short) == ("direct-1", Interruption(1, 9, 1), 7)
    assert find(*closed[:3], *short) == ("direct-1", Interruption(1, 2, 1, open_ended=True), None)
    assert find(*closed, *short, since=9.5) is None


def test_a_node_that_is_only_heard_again_is_not_declared() -> None:
    stalled = (
        RoleSeen(0.1, "SITE-A", "ACTIF", 1),
        RoleSeen(0.2, "SITE-B", "PASSIF", 1),
        RoleSeen(4.0, "SITE-A", ""),
        RoleSeen(5.0, "SITE-A", "ACTIF", 1),
    )
    assert find_declared(stalled, 3.0) is None
    assert find_declared((*stalled, RoleSeen(6.0, "SITE-B", "ACTIF", 2)), 3.0) == 6.0
    assert find_declared((*stalled, RoleSeen(6.0, "SITE-A", "ACTIF", 3)), 3.0) == 6.0


def test_the_moments_of_a_recovery_are_read_from_what_was_seen_after_the_fault() -> None:
    roles = (
        RoleSeen(0.1, "SITE-B", "PASSIF", 1),
        RoleSeen(0.2, "SITE-A", "ACTIF", 1),
        RoleSeen(7.0, "SITE-B", "ACTIF", 2),
        RoleSeen(9.0, "SITE-A", "ACTIF", 3),
    )
    calls = (
        CallSeen(1.0, True, "avant", "a"),
        CallSeen(4.0, False, "avant", "a"),
        CallSeen(5.0, True, "panne", "a"),
    )
    writes = tuple(Attempt("direct-1", n, "SITE-A", n, n + 0.5, ACK) for n in (1, 2, 8))
    observed = Observed((ClientProfile("direct-1", "", True),), writes, (), roles, calls)
    outage = find_outage(observed, 3.0)
    assert read_moments(
        observed, 3.0, outage, fault=3.0, operator_asked=6.0, tool_started=6.5, tool_ended=7.5
    ) == Moments(3.0, 5.0, 6.0, 6.5, 7.0, 2.5, 8.5)
    without = Observed(observed.clients, (), (), roles[:2], ())
    assert read_moments(without, 3.0, None, fault=3.0, tool_ended=7.5) == Moments(fault=3.0, declared=7.5)
    assert (
        read_moments(without, 0.0, None, tool_ended=7.5).declared == 7.5
    )  # what held when the watch began is no change
    assert read_moments(observed, 3.0, outage, shown=(2.0, 4.5)).alarm == 4.5
    lasting = (*writes[:2], Attempt("direct-1", 3, "SITE-A", 3.0, 4.0, ERR))
    without_end = Observed(observed.clients, lasting, (), (), ())
    assert read_moments(without_end, 3.0, find_outage(without_end, 3.0)) == Moments(last_ack=2.5)
