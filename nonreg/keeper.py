"""Ends what a killed command leaves: the flow's process and its throw-away Prefect server.

`python -m nonreg.keeper RUN_DIR MARK` waits for the end of its standard input, which comes with the death of the
command that started it, even by SIGKILL; then it ends the processes that bear its mark and removes Prefect's home.
What a keeper that was killed too has left is removed by whoever starts the next flow in the folder of runs.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import psutil

END_SECONDS = 5.0
RUN_MARK = "NONREG_FLOW_OF"  # in the environment of the flow's process and of all it starts
PREFECT_HOME = ".prefect"
LOG = "prefect.log"  # locked by the flow and all that writes there, as long as one of them lives
EXECUTIONS = "runbooks"


def start_keeper(run_dir: Path, mark: str) -> subprocess.Popen[bytes]:
    """Start a keeper in a session of its own; it lives until its standard input closes.

    It bears no mark: a command within another flow is ended with that flow, and its keeper must outlive it.
    """
    return subprocess.Popen(
        [sys.executable, "-m", "nonreg.keeper", str(run_dir), mark],
        env={name: value for name, value in os.environ.items() if name != RUN_MARK},
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def end_processes(mark: str) -> None:
    """End every process that bears the mark, born meanwhile or not; they are gone when it returns."""
    while found := find_processes(mark):
        for process in found:
            with suppress(psutil.Error):
                process.terminate()
        _, alive = psutil.wait_procs(found, END_SECONDS)
        for process in alive:
            with suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(alive, END_SECONDS)


def find_processes(mark: str) -> list[psutil.Process]:
    """Whatever lives that bears the mark."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get(RUN_MARK) == mark:
                found.append(process)
    return found


def live_in(log: BinaryIO) -> None:
    """Hold a run's log, and with it Prefect's home: for whoever it is given to as well."""
    with suppress(OSError):
        fcntl.flock(log, fcntl.LOCK_SH)


def remove_left_homes(runs_dir: Path) -> None:
    """Those of the campaigns and the executions whose keeper was killed with them."""
    for folder in (runs_dir, runs_dir / EXECUTIONS):
        for home in folder.glob(f"*/{PREFECT_HOME}"):
            with suppress(OSError):
                remove_home(home.parent)


def remove_home(run_dir: Path, *, without_locks: bool = False) -> None:
    """Prefect's home, unless a flow lives in it, or might where the file system has no locks."""
    with (run_dir / LOG).open("a+b") as log:
        try:
            fcntl.flock(log, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if isinstance(error, BlockingIOError) or not without_locks:
                return
        shutil.rmtree(run_dir / PREFECT_HOME, ignore_errors=True)


def main(run_dir: Path, mark: str) -> None:
    """Wait for the campaign's end, then clean."""
    sys.stdin.buffer.read()
    end_processes(mark)
    remove_home(run_dir, without_locks=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
