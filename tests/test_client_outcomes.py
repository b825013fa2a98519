"""What a client that meets a dead or a hanging server can tell: never sent, refused, or lost on the way."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace

import psutil
import pytest

from nonreg.clients.line import Line
from nonreg.clients.sql import Session, open_session
from nonreg.clients.ssh import open_shell
from nonreg.clients.web import WebSession
from nonreg.config import Platform, Site, load_platform
from nonreg.errors import AccessDenied, NonregError, NotSent, RequestFailed, Unreachable
from nonreg.model import SiteRole
from nonreg.sandbox.layout import Layout

REQUEST = b"GET / HTTP/1.1"


@contextmanager
def serve_one(answer: Callable[[socket.socket], None]) -> Iterator[int]:
    """A port of this machine; its first client gets this answer after its request."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def run() -> None:
            with server.accept()[0] as client:
                client.recv(len(REQUEST))
                answer(client)

        thread = threading.Thread(target=run)
        thread.start()
        yield server.getsockname()[1]
        thread.join()


def find_free_port() -> int:
    """A port where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.fixture
def platform(sandbox: Layout) -> Platform:
    return load_platform(str(sandbox.platform_file))


@pytest.fixture
def active(platform: Platform) -> Site:
    return platform.site(SiteRole.ACTIF)


def test_a_web_request_to_a_closed_port_was_never_sent() -> None:
    with WebSession(f"http://127.0.0.1:{find_free_port()}", 2.0) as web, pytest.raises(NotSent):
        web.get("/")


def test_a_web_request_whose_server_hangs_up_may_have_had_its_effect() -> None:
    with serve_one(lambda _client: None) as port, WebSession(f"http://127.0.0.1:{port}", 2.0) as web:
        with pytest.raises(Unreachable, match="refusée ou perdue") as caught:
            web.get("/")
        assert not isinstance(caught.value, NotSent)


def test_a_web_request_that_is_not_answered_in_time_may_have_had_its_effect() -> None:
    late = threading.Event()

    def answer_late(_client: socket.socket) -> None:
        late.wait(10)

    with serve_one(answer_late) as port:
        with WebSession(f"http://127.0.0.1:{port}", 0.2) as web:
            with pytest.raises(Unreachable, match=r"pas de réponse en 0.2 s") as caught:
                web.get("/")
            late.set()
        assert not isinstance(caught.value, NotSent)


def test_a_line_to_a_closed_port_sends_nothing_and_opens_again_later(
    platform: Platform, active: Site
) -> None:
    assert active.database is not None
    closed = replace(active, database=replace(active.database, port=find_free_port()))
    dead, line = Line(platform, closed, "reader"), Line(platform, active, "reader", autocommit=True)
    for _ in range(2):
        with pytest.raises(NotSent, match="injoignable"):
            dead.session()
    first = line.session().execute("SELECT pg_backend_pid()").scalar()
    assert line.session().execute("SELECT pg_backend_pid()").scalar() == first
    line.drop()
    assert line.session().execute("SELECT pg_backend_pid()").scalar() != first
    line.close()
    dead.close()


def test_a_line_to_a_server_that_accepts_and_says_nothing_is_given_up(
    platform: Platform, active: Site
) -> None:
    assert active.database is not None
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        line = Line(
            platform,
            replace(active, database=replace(active.database, host="127.0.0.1", port=port)),
            "reader",
        )
        began = time.monotonic()
        with pytest.raises(NotSent):
            line.session()
        assert time.monotonic() - began < 4
        line.close()


def test_a_refused_account_and_a_refused_request_are_told_apart(platform: Platform, active: Site) -> None:
    line = Line(platform, active, "reader", autocommit=True)
    with pytest.raises(RequestFailed):
        line.session().execute("SELECT * FROM ref.absente")
    with pytest.raises(AccessDenied):
        line.session().execute("SELECT * FROM securite.utilisateur")
    line.close()


def test_a_request_to_a_server_that_hangs_is_given_up_and_its_connection_with_it(
    platform: Platform, active: Site
) -> None:
    line = Line(platform, active, "reader", request_seconds=0.3)
    backend = int(line.session().execute("SELECT pg_backend_pid()").scalar())
    os.kill(backend, signal.SIGSTOP)
    try:
        began = time.monotonic()
        with pytest.raises(Unreachable) as caught:
            line.session().execute("SELECT 1")
        assert time.monotonic() - began < 2
        assert not isinstance(caught.value, NotSent)
        line.drop()
        assert line.session().execute("SELECT pg_backend_pid()").scalar() != backend
    finally:
        os.kill(backend, signal.SIGCONT)
    line.close()


USES: list[Callable[[Session], object]] = [
    lambda session: session.execute("SELECT 1"),
    lambda session: session.query("site_role"),
    lambda session: session.run_batch("SELECT 1"),
    lambda session: session.try_query("forbidden_write"),
    Session.undo,
    Session.commit,
]


@pytest.mark.parametrize("use", USES, ids=["execute", "query", "run_batch", "try_query", "undo", "commit"])
def test_a_session_is_refused_to_every_thread_but_the_one_that_opened_it(
    platform: Platform, active: Site, use: Callable[[Session], object]
) -> None:
    with open_session(platform, active) as session, ThreadPoolExecutor(1, "voisin") as other:
        ours = threading.current_thread().name
        refused = (
            f"la session de {active.code} appartient au fil « {ours} », et le fil « voisin_0 » s'en sert"
        )
        with pytest.raises(NonregError, match=refused):
            other.submit(use, session).result()
        use(session)  # its own thread goes on


def test_a_line_belongs_to_the_thread_that_asked_last_for_its_session(
    platform: Platform, active: Site
) -> None:
    with closing(Line(platform, active, "reader")) as line, ThreadPoolExecutor(1) as other:
        ours = line.session()
        backend = ours.execute("SELECT pg_backend_pid()").scalar()
        taken = other.submit(lambda: line.session().execute("SELECT pg_backend_pid()").scalar())
        assert taken.result() == backend
        with pytest.raises(NonregError, match="ouvrez une session par fil"):
            ours.execute("SELECT 1")
        assert line.session().execute("SELECT pg_backend_pid()").scalar() == backend


def test_a_command_over_ssh_is_sent_at_once_whatever_was_not_acknowledged_yet(
    platform: Platform, active: Site
) -> None:
    with open_shell(platform, active.host):
        (descriptor,) = (
            link.fd
            for link in psutil.Process().net_connections("tcp")
            if link.raddr and link.raddr.port == active.host.port
        )
        with socket.socket(fileno=os.dup(descriptor)) as link:
            assert link.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
