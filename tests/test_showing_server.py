"""What a run shows on a real Prefect server, which goes away and comes back."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from nonreg.waiting import wait_until
from tasks import asking, showing
from tests.prefect_server import Server, start_server

pytestmark = pytest.mark.prefect


class Restartable:
    """A server that is killed and started again with its home and port."""

    def __init__(self, server: Server) -> None:
        self.server = server

    def kill(self) -> None:
        self.server.stop()
        self.server.processes.clear()

    def start(self) -> None:
        self.server.start("server", "start", "--host", "127.0.0.1", "--port", str(self.server.port))
        wait_until(self.server.is_ours, 90)

    def freeze(self, how: signal.Signals) -> None:
        for process in self.server.processes:
            os.killpg(process.pid, how)

    def read(self, key: str) -> list[Any]:
        found: list[Any] = self.server.post("/artifacts/filter", artifacts={"key": {"any_": [key]}})
        return found


@pytest.fixture(scope="module")
def restartable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Restartable]:
    home = tmp_path_factory.mktemp("serveur")
    with start_server(home, deploy=False) as server, temporary_settings({PREFECT_API_URL: server.api}):
        yield Restartable(server)


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> showing.Screen:
    found = showing.Screen()
    monkeypatch.setattr(showing, "SCREEN", found)
    return found


def test_what_a_killed_server_could_not_take_is_shown_in_order_when_it_is_back(
    restartable: Restartable, screen: showing.Screen
) -> None:
    bar = showing.show_progress("retour-avancement", "0 scénario sur 3")
    restartable.kill()
    showing.move_progress(bar, 33.0, "1 scénario sur 3")
    showing.show_markdown("retour-texte", "premier", "Premier")
    showing.show_markdown("retour-texte", "second", "Second")
    showing.move_progress(bar, 100.0, "3 scénarios sur 3")
    assert len(screen.waiting) == 3
    restartable.start()
    assert screen.finish(60.0) == ()
    (shown,) = restartable.read("retour-avancement")
    assert (shown["data"], shown["description"]) == (100.0, "3 scénarios sur 3")
    assert [
        one["data"] for one in sorted(restartable.read("retour-texte"), key=lambda one: one["created"])
    ] == [
        "premier",
        "second",
    ]


def test_a_server_that_does_not_answer_is_asked_once_and_then_left_alone(
    restartable: Restartable, screen: showing.Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "ANSWER_SECONDS", 0.5)
    restartable.freeze(signal.SIGSTOP)
    try:
        showing.show_markdown("fige-1", "un", "Un")
        assert screen.quiet_until > time.monotonic()
        for number in range(100):
            showing.show_markdown(f"fige-{number}", "encore", "Encore")
        assert len(screen.waiting) == 101
    finally:
        restartable.freeze(signal.SIGCONT)
    assert screen.finish(60.0) == ()
    assert restartable.read("fige-99")


def test_what_cannot_be_shown_within_the_patience_is_given_up_with_a_line_in_the_log(
    restartable: Restartable, screen: showing.Screen, caplog: pytest.LogCaptureFixture
) -> None:
    restartable.kill()
    try:
        showing.show_markdown("perdu", "texte", "Perdu")
        showing.finish_showing(0.0)
        assert "n'ont pas pu être montrés : perdu" in caplog.text
        assert screen.waiting == []
    finally:
        restartable.start()
    assert restartable.read("perdu") == []


def test_what_the_server_refuses_is_told_and_does_not_hold_back_the_rest(
    restartable: Restartable, screen: showing.Screen, caplog: pytest.LogCaptureFixture
) -> None:
    screen.add(showing.RunName(uuid4(), "passage inconnu du serveur"))
    showing.show_markdown("apres-refus", "texte", "Après")
    assert "Prefect a refusé nom du passage « passage inconnu du serveur »" in caplog.text
    assert restartable.read("apres-refus")
