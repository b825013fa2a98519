"""The platform's slot on a Prefect server that is not always ready to give it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from uuid import uuid4

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from tasks import asking, slot

LEASE = str(uuid4())


@contextmanager
def answer(*statuses: int) -> Iterator[list[str]]:
    """A server that knows the limit, and answers so when its slot is asked for or given back; what it was asked."""
    asked: list[str] = []
    left = list(statuses)

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            limit = {
                "id": str(uuid4()),
                "name": "plateforme-x",
                "limit": 1,
                "active": True,
                "active_slots": 0,
            }
            self.reply(404 if "csrf" in self.path else 200, limit)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            asked.append(self.path.rpartition("/")[2])
            return self.reply(left.pop(0), {"lease_id": LEASE, "limits": []})

        def reply(self, status: int, said: object) -> None:
            body = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_words: object) -> None:
            """Nothing in the output of the tests."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with temporary_settings({PREFECT_API_URL: f"http://127.0.0.1:{server.server_port}/api"}):
            try:
                yield asked
            finally:
                asking.hang_up()
                server.shutdown()


@pytest.fixture(autouse=True)
def flow_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT__RUNTIME__FLOW_RUN__ID", str(uuid4()))


def take(held: ExitStack) -> bool:
    return slot.try_busy(lambda: slot.take_slot("plateforme-x", held))


def test_a_slot_that_a_busy_server_first_refuses_is_asked_for_again_and_given_back() -> None:
    with answer(503, 500, 200, 503, 200) as asked:
        with ExitStack() as held:
            assert take(held)
        assert asked == ["increment-with-lease"] * 3 + ["decrement-with-lease"] * 2


def test_somebody_elses_slot_is_not_asked_for_twice() -> None:
    with answer(423) as asked, ExitStack() as held:
        assert not take(held)
        assert asked == ["increment-with-lease"]


def test_a_server_that_stays_busy_is_given_up() -> None:
    tries = len(slot.BUSY_PAUSES_SECONDS) + 1
    with answer(*[503] * tries) as asked, ExitStack() as held, pytest.raises(Exception, match="503"):
        take(held)
    assert len(asked) == tries
