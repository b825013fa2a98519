"""A real Prefect server of a test's own, its workers and its deployments."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import requests

from nonreg.prefect_home import describe_home, fill_home
from nonreg.sandbox.postgres import die_with_starter
from nonreg.waiting import observe_until, wait_until

ROOT = Path(__file__).parent.parent
# While somebody writes to its SQLite, Prefect's server keeps the others waiting for up to 60 s, then answers 503; 500
# when all of its connections wait (`PATIENT_CLIENTS`). Come again.
ANSWER_SECONDS = 90.0
BUSY_SECONDS = 120.0
BUSY = (requests.codes.internal_server_error, requests.codes.service_unavailable)


class Server:
    """A Prefect server of our own: home, port and process are the test's."""

    def __init__(self, home: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.api = f"http://127.0.0.1:{self.port}/api"
        self.environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("PREFECT_")},
            **describe_home(home),
            "PREFECT_API_URL": self.api,
            "AQUAREEL_NONREG_HOME": str(ROOT),
            "TMPDIR": str(
                home
            ),  # a worker keeps code in a shared temporary folder, which may be another account's
        }
        fill_home(home)
        self.processes: list[subprocess.Popen[bytes]] = []
        self.log = home / "journal.txt"

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "prefect", *arguments],
                env=self.environment,
                cwd=ROOT,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=die_with_starter,  # noqa: PLW1509 - tests that are killed leave no server
            )
        self.processes.append(process)
        return process

    def run(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "prefect", "--no-prompt", *arguments],
            env=self.environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def is_ours(self) -> bool:
        """True when the listener of our port is a process that we started: a healthy answer proves nothing."""
        ours = {child.pid for process in self.processes for child in family_of(process.pid)}
        listeners = {
            link.pid
            for link in psutil.net_connections("tcp")
            if link.laddr and link.laddr.port == self.port and link.status == psutil.CONN_LISTEN
        }
        return bool(listeners) and listeners <= ours

    def post(self, path: str, **body: Any) -> Any:
        return self._ask(lambda: requests.post(self.api + path, json=body, timeout=ANSWER_SECONDS))

    def get(self, path: str) -> Any:
        return self._ask(lambda: requests.get(self.api + path, timeout=ANSWER_SECONDS))

    def _ask(self, send: Callable[[], requests.Response]) -> Any:
        """The answer, however long the server's database keeps it waiting: Prefect's own clients have that patience."""
        answer = observe_until(send, lambda one: one.status_code not in BUSY, BUSY_SECONDS, 0.5)
        answer.raise_for_status()
        return answer.json()

    def stop(self) -> None:
        family = [child for process in self.processes for child in family_of(process.pid)]
        for process in family:
            process.terminate()
        _, alive = psutil.wait_procs(family, 10)
        for process in alive:
            process.kill()


def family_of(pid: int) -> list[psutil.Process]:
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


@contextmanager
def start_server(home: Path, *, deploy: bool = True) -> Iterator[Server]:
    """A server that listens, with the pool and every deployment of prefect.yaml unless told not to; then stopped."""
    found = Server(home)
    found.start("server", "start", "--host", "127.0.0.1", "--port", str(found.port))
    try:
        wait_until(found.is_ours, 90)
        if deploy:
            found.run("work-pool", "create", "aquareel", "--type", "process")
            found.run("deploy", "--all")
        yield found
    finally:
        found.stop()
