"""The end of an instance, whatever state it is in: its processes first, then its files."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

import psutil

from nonreg.sandbox.layout import Layout
from nonreg.sandbox.processes import end_processes, find_instance_processes, find_recorded

SUPERVISOR_PID = "supervisor.json"
OWN_FOLDERS = ("sites", "pids", "hostkeys", "postgresql", "renforts", "acces")
OWN_FILES = (
    "instance.json",
    "platform.toml",
    "secrets.env",
    "control.sock",
    "id_ed25519",
    "id_ed25519.pub",
    "known_hosts",
    "supervisor.log",
)
ROUNDS = 5


def supervisor_pid_file(layout: Layout) -> Path:
    """Pid file of the instance's supervisor."""
    return layout.root / "pids" / SUPERVISOR_PID


def find_supervisor(layout: Layout) -> psutil.Process | None:
    """The live supervisor of the instance, None when there is none."""
    return find_recorded(supervisor_pid_file(layout))


def end_all_processes(layout: Layout) -> list[str]:
    """End every process of the instance; one line for each. The supervisor goes first: it ends its own."""
    ended = []
    supervisor = find_supervisor(layout)
    if supervisor is not None and supervisor.pid != os.getpid():
        ended += end_processes([supervisor], term_seconds=15.0)
    for _ in range(ROUNDS):  # a process may start another while it is being ended
        left = find_instance_processes(layout)
        if not left:
            break
        ended += end_processes(left)
    return ended


def remove_files(layout: Layout) -> None:
    """Remove what an instance wrote, and its folder if nothing else is in it."""
    for name in OWN_FOLDERS:
        shutil.rmtree(layout.root / name, ignore_errors=True)
    for name in OWN_FILES:
        (layout.root / name).unlink(missing_ok=True)
    shutil.rmtree(layout.postgres_home, ignore_errors=True)
    with suppress(OSError):
        layout.root.rmdir()


def end_instance(layout: Layout) -> list[str]:
    """End an instance for good, also after a crash; returns what was ended, one line each."""
    ended = end_all_processes(layout)
    remove_files(layout)
    return ended
