"""A machine of a test's own, whose first process is this one's systemd (boot.sh), and what one does on it as root.

`python -m tests.systemd.machine` says in one line why there can be none here, with exit code 3.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from nonreg.waiting import wait_until
from tests.prefect_server import ROOT
from tests.systemd.keeper import follow

INIT = "/lib/systemd/systemd"
TOOLS = (
    "unshare",
    "nsenter",
    "pivot_root",
    "mount",
    "git",
    "tar",
    "systemctl",
    "systemd-run",
    "systemd-sysusers",
)
PROJECT = "/opt/aquareel-nonreg"
PYTHON = f"{PROJECT}/.venv/bin/python"
BOOT_SECONDS = 60.0
COMMAND_SECONDS = 300.0
FINAL = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
IMPOSSIBLE = 3  # exit code


@dataclass(frozen=True, slots=True)
class Machine:
    """One that runs, by its first process as it is numbered here."""

    pid: int

    def attempt(self, *words: str, given: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command on it to its end, as its root and with nothing of our environment."""
        return subprocess.run(
            ["nsenter", "--target", str(self.pid), *["-m", "-p", "-i", "-u", "-n", "-C"], "--", *words],
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"},
            input=given,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )

    def run(self, *words: str, given: str = "") -> str:
        """What a command that must succeed said."""
        done = self.attempt(*words, given=given)
        assert done.returncode == 0, f"{words} : {done.stdout}{done.stderr}"
        return done.stdout

    def write(self, path: str, text: str, mode: int) -> None:
        """A file of root's."""
        self.run("install", "-D", "-m", f"{mode:o}", "/dev/stdin", path, given=text)

    def show(self, unit: str, name: str) -> str:
        """One property of a unit."""
        return self.run("systemctl", "show", "--value", "--property", name, unit).strip()

    def list_inactive(self, *units: str) -> list[str]:
        """Those that are not active."""
        return [unit for unit in units if self.show(unit, "ActiveState") != "active"]

    def tell(self, *units: str) -> str:
        """The last words of units, for whoever reads why a test failed."""
        return self.run("journalctl", "--no-pager", "--lines", "40", *(f"--unit={unit}" for unit in units))

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """One request to its server."""
        words = () if body is None else (json.dumps(body),)
        return json.loads(self.run(PYTHON, f"{PROJECT}/tests/systemd/ask.py", method, path, *words))

    def start_run(self, platform: str) -> str:
        """A campaign, as the UI starts it; its flow run's id."""
        found = self.ask("GET", "/deployments/name/campagne/a-la-demande")
        body = {"parameters": {"platform": platform}}
        return str(self.ask("POST", f"/deployments/{found['id']}/create_flow_run", body)["id"])

    def wait_for_run(self, run: str, seconds: float) -> Any:
        """The flow run when it has ended."""

        def find() -> Any:
            found = self.ask("GET", f"/flow_runs/{run}")
            return found if found["state"]["type"] in FINAL else None

        return wait_until(find, seconds, f"fin du passage {run}", poll_seconds=1)

    def list_folders(self) -> set[str]:
        """The folders of its campaigns."""
        return set(self.run("find", f"{PROJECT}/runs", "-maxdepth", "1", "-name", "2*Z-*").split())

    def read(self, path: str) -> str:
        """A file's text; empty when it is not there."""
        return self.attempt("cat", path).stdout


@contextmanager
def keep(*init: str) -> Iterator[subprocess.Popen[str]]:
    """The keeper of a machine, which ends with us whatever happens to us."""
    keeper = subprocess.Popen(
        [sys.executable, "-m", "tests.systemd.keeper", *init],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=follow(signal.SIGTERM),  # noqa: PLW1509 - one prctl call, no lock is taken
    )
    try:
        yield keeper
    finally:
        keeper.terminate()
        keeper.communicate()


@contextmanager
def start_machine() -> Iterator[Machine]:
    """One whose units can be worked; gone at the end, with all that was done on it."""
    options = ("--system", "--unit=multi-user.target", "--log-target=journal", "--show-status=no")
    with keep(INIT, *options) as keeper:

        def find() -> int | None:
            if keeper.poll() is not None:
                raise AssertionError(f"La machine s'est arrêtée : {keeper.communicate()[1]}")
            # Before that name it is boot.sh, which still sees our own files.
            return next((pid for pid, name in list_descendants(keeper.pid) if name == "systemd"), None)

        machine = Machine(wait_until(find, BOOT_SECONDS, "premier processus de la machine") or 0)
        wait_until(
            lambda: machine.attempt("systemctl", "is-system-running").stdout.strip() == "running",
            BOOT_SECONDS,
            "démarrage de la machine",
            poll_seconds=0.2,
        )
        yield machine


def list_descendants(pid: int) -> list[tuple[int, str]]:
    """Number and name of every process that comes from one."""
    found = []
    for child in psutil.Process(pid).children(recursive=True):
        try:
            found.append((child.pid, child.name()))
        except psutil.NoSuchProcess:
            continue
    return found


def find_obstacle() -> str:
    """Why no machine can be started here, as a sentence; empty when one can."""
    if os.geteuid() != 0:
        return "il faut être root."
    if not Path(INIT).is_file():
        return f"systemd est absent ({INIT})."
    if missing := [tool for tool in TOOLS if shutil.which(tool) is None]:
        return f"il manque {', '.join(missing)}."
    with keep("true") as keeper:  # all of it but systemd
        said = keeper.communicate(timeout=BOOT_SECONDS)[1].strip().splitlines()
    if keeper.returncode:
        return (
            f"les espaces de noms ou les montages sont refusés ({said[-1] if said else keeper.returncode})."
        )
    return ""


if __name__ == "__main__":
    obstacle = find_obstacle()
    sys.stdout.write(f"{obstacle}\n" if obstacle else "")
    sys.exit(IMPOSSIBLE if obstacle else 0)
