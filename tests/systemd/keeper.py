"""Keeps a machine (boot.sh) as long as whoever started it lives: `python -m tests.systemd.keeper INIT…`.

The first process of the machine dies with the keeper, and every other with the first; the keeper ends with its starter
and then removes the control groups, all that a machine has outside of its own memory.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from nonreg.service.units import HIDDEN
from nonreg.waiting import wait_until
from tests.prefect_server import ROOT

BOOT = Path(__file__).parent / "boot.sh"
PR_SET_PDEATHSIG = 1
END_SECONDS = 30.0
ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
UNSHARE = ("unshare", "--fork", "--kill-child", "--pid", "--mount", "--net", "--ipc", "--uts")


def follow(number: signal.Signals) -> Callable[[], None]:
    """What a child does first, so that it gets the signal when its starter dies."""
    kernel = ctypes.CDLL(None)

    def ask() -> None:
        kernel.prctl(PR_SET_PDEATHSIG, number)

    return ask


def find_cgroups() -> Path:
    """Where our own control group of the second version stands."""
    mounts = [line.split() for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines()]
    mounted = next((fields[1] for fields in mounts if fields[2] == "cgroup2"), None)
    groups = Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    own = next((line.removeprefix("0::/") for line in groups if line.startswith("0::/")), None)
    if mounted is None or own is None:
        sys.exit("aucun groupe de contrôle de version 2, cgroup2")
    return Path(mounted) / own


def remove_cgroup(cgroup: Path) -> bool:
    """False as long as a process is in one of them."""
    try:
        for folder, _, _ in os.walk(cgroup, topdown=False):
            os.rmdir(folder)
    except OSError:
        return False
    return True


def keep(init: list[str]) -> int:
    """The machine's exit code; SystemExit, the machine gone, when told to end."""
    prefix = os.path.realpath(sys.base_prefix)
    cgroup = find_cgroups() / f"nonreg-systemd-{os.getpid()}"
    machine: subprocess.Popen[bytes] | None = None
    for number in ENDING:
        signal.signal(number, lambda *_: sys.exit(1))
    try:
        cgroup.mkdir()
        machine = subprocess.Popen(
            [
                *(*UNSHARE, "sh", str(BOOT), str(cgroup), str(ROOT), sys.prefix),
                prefix if f"{prefix}/".startswith(HIDDEN) else "",
                *init,
            ],
            stdin=subprocess.DEVNULL,
            preexec_fn=follow(signal.SIGKILL),  # noqa: PLW1509 - one prctl call, no lock is taken
        )
        return machine.wait()
    finally:
        for number in ENDING:  # asked twice, by the terminal and by our starter
            signal.signal(number, signal.SIG_IGN)
        if machine is not None:
            machine.kill()
            machine.wait()
        wait_until(lambda: remove_cgroup(cgroup), END_SECONDS, f"fin des processus de {cgroup}")


if __name__ == "__main__":
    sys.exit(keep(sys.argv[1:]))
