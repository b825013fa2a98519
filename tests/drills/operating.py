"""A person at work in the tests: reads the open step, does it over SSH or HTTP, signs it on the command line."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from nonreg.clients.ssh import open_shell
from nonreg.clients.web import WebSession
from nonreg.config import Platform, load_platform
from nonreg.drills.operator import OperatorStep, list_open
from nonreg.sandbox.layout import Layout
from nonreg.waiting import wait_until
from tests.drills.drilling import TITULAIRE

TOOL_SECONDS, STEP_SECONDS, COMMAND_SECONDS = 60.0, 120.0, 60.0


def write_platform(layout: Layout, name: str, *changes: tuple[str, str], more: str = "") -> Path:
    """Another file of the same platform, beside its own: texts replaced, and `more` at its end."""
    text = layout.platform_file.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = layout.root / f"{name}.toml"
    path.write_text(f"{text}\n{more}", encoding="utf-8")
    return path


@dataclass(frozen=True, slots=True)
class Person:
    """The embedded platform's titulaire, in front of a terminal."""

    layout: Layout
    platform_file: Path

    @property
    def platform(self) -> Platform:
        return load_platform(str(self.platform_file))

    @property
    def key(self) -> str:
        return str(self.layout.identities_dir / TITULAIRE)

    def wait_step(self, name: str) -> OperatorStep:
        """The open step of that name."""
        return wait_until(
            lambda: next((one for one in list_open(self.platform) if one.name == name), None),
            STEP_SECONDS,
            f"étape {name}",
            0.1,
        )  # type: ignore[return-value]

    def switch_to(self, code: str, command: str = "switch_over") -> None:
        """Work the switchover tool on a site's host."""
        site = next(one for one in self.platform.sites if one.code == code)
        with open_shell(self.platform, site.host) as shell:
            shell.run(command, TOOL_SECONDS, site=code).require()

    def set_route(self, route: str, cut: bool) -> None:
        """Cut or restore one route of the link between the sites, at its own control."""
        url = self.platform.drills.link_control
        assert url is not None
        with WebSession(url, COMMAND_SECONDS) as web:
            body = json.dumps({"coupee": cut, **({"secondes": STEP_SECONDS} if cut else {})})
            answer = web.put(f"/liaison/voies/{route}", body.encode(), "application/json")
        assert answer.status == 200, answer.body

    def let_pass(self, seconds: float) -> None:
        """Take one's time."""
        until = time.monotonic() + seconds
        wait_until(lambda: time.monotonic() >= until, seconds + 1, poll_seconds=0.1)

    def nonreg(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A command on this platform."""
        command, *options = words
        return subprocess.run(
            [sys.executable, "-m", "nonreg", command, "--platform", str(self.platform_file), *options],
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )

    def confirm(self, step: OperatorStep) -> None:
        """Sign that it is done."""
        done = self.nonreg("confirm", step.id, "--key", self.key, "--yes")
        assert done.returncode == 0, done.stdout + done.stderr


@contextmanager
def at_work(act: Callable[[], None]) -> Iterator[None]:
    """A person acts while the block runs; what went wrong for them is told at its end."""
    wrong: list[BaseException] = []

    def run() -> None:
        try:
            act()
        except BaseException as error:  # told in the test's own thread
            wrong.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    yield
    thread.join(STEP_SECONDS)
    assert not thread.is_alive(), "the person still waits"
    if wrong:
        raise wrong[0]
