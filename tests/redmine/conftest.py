"""One Redmine for all tests: its Ruby starts slowly."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.redmine.cutting import Link, start_link
from tests.redmine.people import People
from tests.redmine.server import RedmineServer, find_obstacle


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedmineServer]:
    if obstacle := find_obstacle():
        pytest.fail(f"Redmine est absent : {obstacle}")
    redmine = RedmineServer(tmp_path_factory.mktemp("redmine") / "redmine")
    redmine.prepare()
    try:
        redmine.start()
        yield redmine
    finally:
        redmine.stop()


@pytest.fixture
def people(server: RedmineServer) -> Iterator[People]:
    """The administrator; the server runs again after a test that ended it."""
    if server.process is None:
        server.start()
    yield People(server)
    if server.process is None:
        server.start()


@pytest.fixture
def link(server: RedmineServer, people: People) -> Iterator[Link]:
    """A link to the server that may be cut."""
    with start_link(server.port) as opened:
        yield opened
