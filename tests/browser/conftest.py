"""A real Chromium in front of the UI of a real Prefect server, with its worker and the embedded platform."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from nonreg.sandbox.layout import Layout
from tests.governed import Governed, make_governed
from tests.prefect_server import ROOT, Server, start_server

if TYPE_CHECKING:  # installed by `make test-browser` only
    from playwright.sync_api import Browser, Page

SCREENSHOTS = ROOT / "build" / "screenshots"
WAIT_MS = 90_000.0  # of anything looked for in a page
SIZE = {"width": 1280, "height": 860}


@dataclass(frozen=True, slots=True)
class Desk:
    """What somebody at work has: the server, its address in a browser, and a governed platform."""

    server: Server
    governed: Governed

    @property
    def address(self) -> str:
        return self.server.api.removesuffix("/api")


@pytest.fixture(scope="session")
def desk(sandbox: Layout, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    governed = make_governed(tmp_path_factory.mktemp("gouvernee"), sandbox.platform_file)
    with start_server(tmp_path_factory.mktemp("prefect")) as server:
        server.start("worker", "start", "--pool", "aquareel", "--type", "process")
        yield Desk(server, governed)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    found = shutil.which("chromium")
    assert found, "Chromium est absent (Debian : apt-get install chromium)."
    with sync_playwright() as playwright:
        options = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=found, args=options)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A new profile, in French and on the time of Paris; how it looked at the end is kept."""
    context = chromium.new_context(viewport=SIZE, locale="fr-FR", timezone_id="Europe/Paris")
    context.set_default_timeout(WAIT_MS)
    page = context.new_page()
    yield page
    keep_picture(page, "fin-" + re.sub(r"\W+", "-", request.node.name))
    context.close()


def keep_picture(page: Page, name: str) -> Path:
    """Keep what is seen; those of the README are copied from there."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    file = SCREENSHOTS / f"{name}.png"
    page.screenshot(path=file, animations="disabled")
    return file
