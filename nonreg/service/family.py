"""The processes of an installation: found again after any crash, never by a number that was given to another.

Each carries the installation's folder in its environment and hands it down to all that it starts: workers' runs,
pytest, the embedded platform.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

MARK = "NONREG_SERVICE"
RUN = "PREFECT__FLOW_RUN_ID"  # Prefect's own, in the environment of a flow run's process and of all it starts
ADDRESSES = ("127.0.0.1", "0.0.0.0", "::")  # noqa: S104 - whoever listens everywhere listens there too
SAME_SECONDS = 0.5  # psutil computes the time of creation from the boot time, which may move a little
END_SECONDS = 10.0
KILL_SECONDS = 5.0
ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Member:
    """A process that was started; `create_time` in seconds since 1970."""

    name: str
    pid: int
    create_time: float


def find(member: Member) -> psutil.Process | None:
    """The live process; None when it ended, even if its pid was given to another."""
    with suppress(psutil.Error):
        process = psutil.Process(member.pid)
        if abs(process.create_time() - member.create_time) < SAME_SECONDS and is_alive(process):
            return process
    return None


def is_alive(process: psutil.Process) -> bool:
    """False for a zombie too."""
    with suppress(psutil.Error):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def find_marked(root: Path) -> list[psutil.Process]:
    """Every live process of the installation in that folder, but the caller."""
    return [process for process, _ in read_marked(root)]


def find_runs(root: Path) -> list[psutil.Process]:
    """The first process of each flow run that a worker of the installation started."""
    runs = {process.pid: (process, run) for process, run in read_marked(root) if run}
    found = []
    for process, run in runs.values():
        with suppress(psutil.Error):
            parent = runs.get(process.ppid())
            if parent is None or parent[1] != run:
                found.append(process)
    return found


def read_marked(root: Path) -> list[tuple[psutil.Process, str | None]]:
    """Processes that carry the mark, each with its flow run's id if it has one."""
    found = []
    myself = psutil.Process().pid
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            environment = process.environ()
            if environment.get(MARK) == str(root) and process.pid != myself and is_alive(process):
                found.append((process, environment.get(RUN)))
    return found


def list_family(process: psutil.Process) -> list[psutil.Process]:
    """A process and all that it started."""
    with suppress(psutil.Error):
        return [process, *process.children(recursive=True)]
    return []


def holds_port(process: psutil.Process, port: int) -> bool:
    """True when all who listen on that loopback port are of that process's family; others' have no pid for us."""
    family = {one.pid for one in list_family(process)}
    listeners = set()
    for link in psutil.net_connections("tcp"):
        if link.status == psutil.CONN_LISTEN and link.laddr:
            host, at = link.laddr
            if at == port and host in ADDRESSES:
                listeners.add(link.pid)
    return bool(listeners) and listeners <= family


def end(processes: Iterable[psutil.Process], within_seconds: float = END_SECONDS) -> list[psutil.Process]:
    """End them: request, deadline, kill; the ones that had to be killed."""
    asked = list(processes)
    for process in asked:
        with suppress(psutil.Error):
            process.terminate()
            process.resume()  # a stopped process would not see its request
    _, stubborn = psutil.wait_procs(asked, within_seconds)
    for process in stubborn:
        with suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(stubborn, KILL_SECONDS)
    return stubborn


def end_all(root: Path) -> None:
    """End whatever carries the mark; a process may start another while it is being ended."""
    for _ in range(ROUNDS):
        left = find_marked(root)
        if not left:
            return
        end(left)
