"""Ends what a killed campaign leaves: the throw-away Prefect server, known by its own PREFECT_HOME.

`python -m nonreg.keeper FOLDER` waits for the end of its standard input, which comes with the death of the
campaign that started it, even by SIGKILL; then it ends the processes of that home and removes it.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psutil

END_SECONDS = 5.0


def start_keeper(home: Path) -> subprocess.Popen[bytes]:
    """Start a keeper in a session of its own; it lives until its standard input closes."""
    return subprocess.Popen(
        [sys.executable, "-m", "nonreg.keeper", str(home)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def end_processes(home: Path) -> None:
    """End every process whose PREFECT_HOME is that folder."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get("PREFECT_HOME") == str(home):
                found.append(process)
    for process in found:
        with suppress(psutil.Error):
            process.terminate()
    _, alive = psutil.wait_procs(found, END_SECONDS)
    for process in alive:
        with suppress(psutil.Error):
            process.kill()


def main(home: Path) -> None:
    """Wait for the campaign's end, then clean."""
    sys.stdin.buffer.read()
    end_processes(home)
    shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
