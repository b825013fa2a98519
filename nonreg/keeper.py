"""Ends what a killed command leaves: the flow's process and its throw-away Prefect server.

`python -m nonreg.keeper RUN_DIR` waits for the end of its standard input, which comes with the death of the
command that started it, even by SIGKILL; then it ends the processes of that run and removes Prefect's home.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psutil

END_SECONDS = 5.0
RUN_MARK = "NONREG_FLOW_OF"  # in the environment of the flow's process and of all it starts
PREFECT_HOME = ".prefect"


def start_keeper(run_dir: Path) -> subprocess.Popen[bytes]:
    """Start a keeper in a session of its own; it lives until its standard input closes.

    It bears no mark: a command within another flow is ended with that flow, and its keeper must outlive it.
    """
    return subprocess.Popen(
        [sys.executable, "-m", "nonreg.keeper", str(run_dir)],
        env={name: value for name, value in os.environ.items() if name != RUN_MARK},
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def end_processes(run_dir: Path) -> None:
    """End every process that carries the run's mark."""
    found = find_processes(run_dir)
    for process in found:
        with suppress(psutil.Error):
            process.terminate()
    _, alive = psutil.wait_procs(found, END_SECONDS)
    for process in alive:
        with suppress(psutil.Error):
            process.kill()


def find_processes(run_dir: Path) -> list[psutil.Process]:
    """Whatever lives of a campaign."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get(RUN_MARK) == str(run_dir):
                found.append(process)
    return found


def remove_left_home(run_dir: Path) -> None:
    """What a keeper that was killed with its campaign did not clean; nothing while anything of it lives."""
    if (run_dir / PREFECT_HOME).is_dir() and not find_processes(run_dir):
        shutil.rmtree(run_dir / PREFECT_HOME, ignore_errors=True)


def main(run_dir: Path) -> None:
    """Wait for the campaign's end, then clean."""
    sys.stdin.buffer.read()
    end_processes(run_dir)
    shutil.rmtree(run_dir / PREFECT_HOME, ignore_errors=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
