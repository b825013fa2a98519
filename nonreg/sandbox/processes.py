"""Processes of an instance: pid files that a reused pid cannot fool, and ending them for sure.

A pid file holds the pid, the time of creation and the command. Processes are also found without pid file:
by the marks that the supervisor leaves in their environment (instance and site), and, for PostgreSQL backends
(which overwrite theirs), by their working directory.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from nonreg.sandbox.layout import Layout

INSTANCE_MARK = "AQUAREEL_NONREG_INSTANCE"
SITE_MARK = "AQUAREEL_NONREG_SITE"
SAME_SECONDS = 0.5  # psutil computes the time of creation from the boot time, which may move a little
TERM_SECONDS = 3.0
KILL_SECONDS = 3.0
POLL_SECONDS = 0.005
PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class PidRecord:
    """What a pid file says; `create_time` in seconds since 1970."""

    pid: int
    create_time: float
    command: tuple[str, ...]


def write_pid_file(path: Path, pid: int) -> None:
    """Record a live process, atomically; a process that is gone already is recorded as such."""
    try:
        process = psutil.Process(pid)
        record = {"pid": pid, "create_time": process.create_time(), "command": process.cmdline()}
    except psutil.NoSuchProcess:
        record = {"pid": pid, "create_time": 0.0, "command": []}
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(record), encoding="utf-8")
    partial.rename(path)


def read_pid_file(path: Path) -> PidRecord | None:
    """The record of a pid file, None when it is absent or unreadable."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return PidRecord(int(data["pid"]), float(data["create_time"]), tuple(data["command"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def find_recorded(path: Path) -> psutil.Process | None:
    """The live process of a pid file; None when it ended, even if its pid was given to another."""
    record = read_pid_file(path)
    if record is None:
        return None
    try:
        process = psutil.Process(record.pid)
        same = abs(process.create_time() - record.create_time) < SAME_SECONDS
        return process if same and _is_alive(process) else None
    except psutil.NoSuchProcess:
        return None


def find_instance_processes(layout: Layout) -> list[psutil.Process]:
    """Every live process of the instance but the caller, however it was started."""
    recorded = {
        process.pid
        for path in (layout.root / "pids").glob("*.json")
        if (process := find_recorded(path)) is not None
    }
    clusters = str(layout.postgres_home)
    return _find(
        lambda process: (
            process.pid in recorded or _is_below(process.cwd(), clusters) or _is_marked(process, layout)
        )
    )


def find_below(folder: Path) -> list[psutil.Process]:
    """Every live process whose working directory is there: a whole PostgreSQL cluster, orphans included."""
    return _find(lambda process: _is_below(process.cwd(), str(folder)))


def find_site_processes(layout: Layout, site: str) -> list[psutil.Process]:
    """Every live process of one site's machine: services, what they started, its cluster."""
    cluster = str(layout.cluster_dir(site))
    return _find(
        lambda process: _is_below(process.cwd(), cluster) or _is_marked(process, layout, {SITE_MARK: site})
    )


def _find_tree(path: Path) -> list[psutil.Process]:
    """The live process of a pid file and all that it started."""
    process = find_recorded(path)
    if process is None:
        return []
    with suppress(psutil.NoSuchProcess):
        return [process, *process.children(recursive=True)]
    return []


def _find(wanted: Callable[[psutil.Process], bool]) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        if process.pid == os.getpid():
            continue
        with suppress(psutil.Error, OSError):
            if _is_alive(process) and wanted(process):
                found.append(process)
    return found


def _is_below(path: str, folder: str) -> bool:
    clean = path.removesuffix(" (deleted)")
    return clean == folder or clean.startswith(folder + "/")


def _is_marked(process: psutil.Process, layout: Layout, more: Mapping[str, str] | None = None) -> bool:
    marks = {INSTANCE_MARK: str(layout.root)} | dict(more or {})
    return marks.items() <= process.environ().items()


def end_processes(processes: Iterable[psutil.Process], term_seconds: float = TERM_SECONDS) -> list[str]:
    """End them: request, deadline, kill. Return one line for each, naming the ones that had to be killed."""
    alive = {process: _describe(process) for process in processes}
    for process in alive:
        _signal(process, signal.SIGINT if _is_postmaster(process) else signal.SIGTERM)
        _signal(process, signal.SIGCONT)  # a stopped process would not see its request
    _, stubborn = psutil.wait_procs(list(alive), timeout=term_seconds)
    for process in stubborn:
        _signal(process, signal.SIGKILL)
    psutil.wait_procs(stubborn, timeout=KILL_SECONDS)
    return [text + (" (tué)" if process in stubborn else "") for process, text in alive.items()]


def kill_tree(path: Path) -> None:
    """SIGKILL to the process of a pid file and all that it started; RuntimeError when something does not go away."""
    tree = _find_tree(path)
    kill_processes(lambda: [process for process in tree if _is_alive(process)])


def kill_processes(find: Callable[[], list[psutil.Process]]) -> None:
    """SIGKILL to what is found, again until nothing is; RuntimeError when something does not go away."""
    deadline = time.monotonic() + KILL_SECONDS
    # Not psutil's own wait: an orphan that nobody has taken note of yet is dead all the same.
    while found := find():
        if time.monotonic() > deadline:
            names = ", ".join(_describe(process) for process in found)
            raise RuntimeError(f"processus qui ne se terminent pas : {names}")
        for process in found:
            _signal(process, signal.SIGKILL)
        time.sleep(POLL_SECONDS)


def _is_alive(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def _describe(process: psutil.Process) -> str:
    try:
        command = process.cmdline()
        module = next((part for part in command if part.startswith("nonreg.sandbox")), None)
        return f"{process.pid} {module or ' '.join(command)[:60] or process.name()}"
    except psutil.Error:
        return str(process.pid)


def _is_postmaster(process: psutil.Process) -> bool:
    # SIGTERM is PostgreSQL's smart shutdown, which waits for its clients; SIGINT is the fast one.
    with suppress(psutil.Error):
        parent = process.parent()
        return process.name() == "postgres" and (parent is None or parent.name() != "postgres")
    return False


def _signal(process: psutil.Process, number: signal.Signals) -> None:
    with suppress(psutil.Error):
        process.send_signal(number)


def die_with_parent(expected_parent: int) -> None:
    """Have the kernel kill this process when its parent dies; end now if the parent is gone already.

    SIGKILL and not SIGTERM: a stopped process must die too.
    """
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != expected_parent:
        raise SystemExit(1)
