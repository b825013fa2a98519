"""The link between the sites: two routes, cut for a time that always ends, each with its own connections."""

from __future__ import annotations

import errno
import json
import select
import socket
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonreg.sandbox.layout import ACTIVE, PASSIVE, PORTS, WITNESS, Layout
from nonreg.sandbox.services.link_routes import ROUTES, Change, ChangeRefused, Link, read_change
from nonreg.waiting import wait_until
from tests.sandbox.bench import query, read_state, url, web_session

ROUTE_AND_TIME = st.tuples(st.sampled_from(ROUTES), st.floats(0, 100), st.floats(0.1, 3600) | st.none())


def read_link(layout: Layout) -> dict[str, Any]:
    """The link's state, as the control shows it."""
    reply = web_session().get(url(layout, PASSIVE, "liaison", "/liaison"), timeout=5)
    assert reply.status_code == 200
    state: dict[str, Any] = reply.json()
    return state


def set_route(layout: Layout, route: str, **change: object) -> dict[str, Any]:
    """Order a route; the state after it."""
    reply = web_session().put(
        url(layout, PASSIVE, "liaison", f"/liaison/voies/{route}"), json=change, timeout=5
    )
    assert reply.status_code == 200, reply.text
    state: dict[str, Any] = reply.json()
    return state


@contextmanager
def nominal_again(layout: Layout) -> Iterator[None]:
    """Puts the routes and what runs over them back at the end."""
    try:
        yield
    finally:
        for route in ROUTES:
            set_route(layout, route, coupee=False)
        streaming = "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'"
        wait_until(
            lambda: query(layout, ACTIVE, streaming, user="aquareel_admin") == [(1,)],
            10,
            "réplication revenue",
        )
        for site, other in ((ACTIVE, PASSIVE), (PASSIVE, ACTIVE)):
            wait_until(lambda: seconds_silent(layout, site, other) < 1, 5, "battements revenus")  # noqa: B023


def seconds_silent(layout: Layout, site: str, other: str) -> float:
    """Since when a site has not heard of another."""
    age: float = read_state(layout, site)["pairs"][other]["vu_il_y_a_secondes"]
    return age


def open_crossing(layout: Layout, site: str) -> socket.socket:
    """A connection from a site through the link to the other one's database, which waits for its greeting."""
    link = socket.create_connection((layout.address(site), PORTS["relais"]), 5)
    link.sendall((8).to_bytes(4, "big") + (80877103).to_bytes(4, "big"))  # « do you speak TLS? »
    assert link.recv(1) == b"N", "the far database answers"
    return link


def is_open(link: socket.socket) -> bool:
    """True while nothing came, not even an end."""
    readable, _, _ = select.select([link], [], [], 0)
    return not readable


def read_end(link: socket.socket) -> int:
    """How a connection ended: the error's number, 0 for an orderly end."""
    link.settimeout(5)
    try:
        return 0 if link.recv(1) == b"" else -1
    except OSError as error:
        return error.errno or -1


def test_the_nominal_link_has_both_routes_open_and_uses_the_first(sandbox: Layout) -> None:
    open_route = {"coupee": False, "retablie_dans_secondes": None}
    assert read_link(sandbox) == {"voies": {"1": open_route, "2": open_route}, "voie_utilisee": "1"}


@pytest.mark.parametrize("site", [ACTIVE, PASSIVE])
def test_a_cut_resets_the_connections_of_its_route_at_once_and_no_other(sandbox: Layout, site: str) -> None:
    with nominal_again(sandbox), ExitStack() as stack:
        first = stack.enter_context(open_crossing(sandbox, site))
        state = set_route(sandbox, "1", coupee=True, secondes=60.0)
        assert read_end(first) == errno.ECONNRESET
        assert state["voie_utilisee"] == "2"
        assert state["voies"]["1"]["coupee"] is True
        assert 59 < state["voies"]["1"]["retablie_dans_secondes"] <= 60

        second = stack.enter_context(open_crossing(sandbox, site))
        assert set_route(sandbox, "1", coupee=False)["voie_utilisee"] == "1"
        third = stack.enter_context(open_crossing(sandbox, site))
        set_route(sandbox, "2", coupee=True, secondes=60.0)
        assert read_end(second) == errno.ECONNRESET
        assert is_open(third)


def test_replication_and_heartbeats_go_on_over_the_second_route(sandbox: Layout) -> None:
    campaign = str(uuid.uuid4())
    arrived = "SELECT count(*) FROM nr.battement WHERE campaign_id = %s"
    with nominal_again(sandbox):
        set_route(sandbox, "1", coupee=True, secondes=60.0)
        query(sandbox, ACTIVE, "SELECT nr.usp_battre(%s, 1)", campaign, user="nr_writer")
        wait_until(lambda: query(sandbox, PASSIVE, arrived, campaign) == [(1,)], 5, "reçu par la voie 2")
        wait_until(lambda: seconds_silent(sandbox, ACTIVE, PASSIVE) < 0.6, 5, "battement par la voie 2")
    query(sandbox, ACTIVE, "SELECT * FROM nr.usp_nettoyer(%s)", campaign, user="nr_writer")


def test_with_both_routes_cut_nothing_passes_between_the_sites_but_the_witness_hears_both(
    sandbox: Layout,
) -> None:
    with nominal_again(sandbox):
        set_route(sandbox, "1", coupee=True, secondes=60.0)
        assert set_route(sandbox, "2", coupee=True, secondes=60.0)["voie_utilisee"] is None
        with pytest.raises(ConnectionResetError), open_crossing(sandbox, ACTIVE):
            pass
        for site, other in ((ACTIVE, PASSIVE), (PASSIVE, ACTIVE)):
            wait_until(lambda: seconds_silent(sandbox, site, other) > 1.2, 5, "silence")  # noqa: B023
            assert seconds_silent(sandbox, WITNESS, site) < 1
        linked = "SELECT count(*) FROM pg_stat_replication"
        assert query(sandbox, ACTIVE, linked, user="aquareel_admin") == [(0,)]


def test_a_cut_route_comes_back_by_itself_when_its_time_has_passed(sandbox: Layout) -> None:
    with nominal_again(sandbox):
        began = time.monotonic()
        set_route(sandbox, "2", coupee=True, secondes=60.0)
        set_route(sandbox, "1", coupee=True, secondes=0.8)
        wait_until(lambda: read_link(sandbox)["voie_utilisee"] == "1", 5, "voie 1 revenue")
        assert time.monotonic() - began >= 0.8
        open_crossing(sandbox, ACTIVE).close()
        log = sandbox.log_file(PASSIVE, "relais")
        wait_until(lambda: "voie 1 rétablie d'elle-même" in log.read_text(encoding="utf-8"), 5, "journalisé")
    assert "voie 1 coupée pour 0.8 s au plus" in log.read_text(encoding="utf-8")


def test_the_setting_cuts_both_routes_whatever_they_were_told(sandbox: Layout) -> None:
    path = sandbox.config_file(PASSIVE, "relais")
    text = path.read_text(encoding="utf-8")
    with nominal_again(sandbox), open_crossing(sandbox, ACTIVE) as link:
        try:
            path.write_text(json.dumps(json.loads(text) | {"coupe": True}), encoding="utf-8")
            assert read_end(link) == errno.ECONNRESET
            assert set_route(sandbox, "1", coupee=False) == {
                "voies": {route: {"coupee": True, "retablie_dans_secondes": None} for route in ROUTES},
                "voie_utilisee": None,
            }
        finally:
            path.write_text(text, encoding="utf-8")
        wait_until(lambda: read_link(sandbox)["voie_utilisee"] == "1", 5, "liaison rétablie")


def test_what_a_database_sent_last_arrives_although_it_then_hangs_up(sandbox: Layout) -> None:
    with open_crossing(sandbox, ACTIVE) as link:
        link.sendall(
            (9).to_bytes(4, "big") + (196608).to_bytes(4, "big") + b"\0"
        )  # no user: refused with a word
        received = b""
        while part := link.recv(4096):
            received += part
    assert received.startswith(b"E")
    assert received.endswith(b"\0\0")


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{", b'{"coupee": 1}', b'{"coupee": true}', b'{"coupee": true, "secondes": 0}', b"\xff"]
    + [
        b'{"coupee": true, "secondes": %s}' % text
        for text in (b"-1", b"3601", b"NaN", b"true", b'"30"', b"null")
    ]
    + [b'{"coupee": false, "secondes": 3}', b'{"coupee": false, "autre": 3}'],
)
def test_a_bad_order_is_refused_in_one_sentence_and_changes_nothing(sandbox: Layout, body: bytes) -> None:
    address = url(sandbox, PASSIVE, "liaison", "/liaison/voies/1")
    reply = web_session().put(address, body, timeout=5)
    assert reply.status_code == 400
    assert len(reply.text.splitlines()) == 1
    assert reply.text.rstrip().endswith(".")
    assert read_link(sandbox)["voie_utilisee"] == "1"


@pytest.mark.parametrize("route", ["0", "3", "01", "1/", "voie"])
def test_a_route_that_does_not_exist_is_not_found(sandbox: Layout, route: str) -> None:
    address = url(sandbox, PASSIVE, "liaison", f"/liaison/voies/{route}")
    change = {"coupee": True, "secondes": 1.0}
    assert web_session().put(address, json=change, timeout=5).status_code == 404


@given(st.lists(ROUTE_AND_TIME, max_size=8), st.floats(0, 4000))
def test_a_route_is_cut_exactly_while_the_last_order_to_it_says_so(
    orders: list[tuple[str, float, float | None]], later: float
) -> None:
    link, now, until = Link(), 0.0, dict.fromkeys(ROUTES, -1.0)
    for route, pause, seconds in orders:
        now += pause
        link, _ = link.expire(now)
        link = link.change(route, Change(seconds), now)
        until[route] = -1.0 if seconds is None else now + seconds
    now += later
    expected = {route: until[route] > now for route in ROUTES}
    for seen in (link, link.expire(now)[0]):
        assert {route: seen.is_cut(route, now) for route in ROUTES} == expected
        assert seen.find_route(now) == next((r for r in ROUTES if not expected[r]), None)
    assert set(link.expire(now)[1]).isdisjoint(route for route in ROUTES if expected[route])


@given(
    st.binary(max_size=60)
    | st.recursive(st.none() | st.booleans() | st.floats(), st.lists).map(
        lambda value: json.dumps({"coupee": True, "secondes": value}).encode()
    )
)
def test_no_body_cuts_a_route_without_an_end(body: bytes) -> None:
    try:
        change = read_change(body)
    except ChangeRefused:
        return
    assert change.seconds is None or 0 < change.seconds <= 3600
