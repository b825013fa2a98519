"""Takes a run up as soon as its flow's process is gone, however it went: stopped with its worker, cancelled, killed.

`python -m tasks.finisher RUN_DIR` waits for the end of its standard input, which comes with the death of the flow's
process. It is in a session of its own and hears no request to end: a worker that stops kills its runs at once, one
that cancels gives them 30 seconds, and healing what a drill broke takes minutes. What kills it too, a machine that
stops, is left to the flow « reprise ».
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LOG = "reprise.log"
BY_A_WORKER = "PREFECT__FLOW_RUN_ID"  # Prefect's own, in the environment of what a worker starts
STATE_SECONDS = 15.0  # for a worker that lives to say first how the process ended
SERVER_SECONDS = 1800.0  # for a server that is away to come back and be told
TRY_SECONDS, LONGEST_TRY_SECONDS = 2.0, 60.0


@contextmanager
def finishing(run_dir: Path) -> Iterator[None]:
    """Keep a finisher beside the flow's process, when a worker started it."""
    if BY_A_WORKER not in os.environ:
        yield
        return
    finisher = start_finisher(run_dir)
    yield  # no `finally`: an interrupt ends the process soon, and the finisher finds what is left
    end(finisher)


def start_finisher(run_dir: Path) -> subprocess.Popen[bytes]:
    """Start it; it reads nothing of us but our end."""
    return subprocess.Popen(
        [sys.executable, "-m", "tasks.finisher", str(run_dir.resolve())],
        cwd=Path(__file__).parent.parent,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def end(finisher: subprocess.Popen[bytes]) -> None:
    """Let it look at the run now."""
    if finisher.stdin is not None:
        finisher.stdin.close()


def main(run_dir: Path) -> None:
    """Wait for the flow's end, then take the run up; what is said of it goes to a log in its folder."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    sys.stdin.buffer.read()
    from nonreg.orphans import FILE

    if (run_dir / FILE).is_file():  # most campaigns end by themselves
        finish(run_dir)


def finish(run_dir: Path) -> None:
    """Take the run up until it is settled and the server knows, for a bounded time."""
    from nonreg.orphans import FILE
    from tasks.recovery import recover_run  # not before it is needed: Prefect is heavy

    deadline, pause = time.monotonic() + SERVER_SECONDS, TRY_SECONDS
    while (run_dir / FILE).is_file():
        found = recover_run(run_dir, STATE_SECONDS)
        if found is not None:
            keep_log(run_dir, "\n".join((found.message, *found.problems)))
        if (found is not None and found.is_settled) or time.monotonic() >= deadline:
            return
        time.sleep(pause)
        pause = min(2 * pause, LONGEST_TRY_SECONDS)


def keep_log(run_dir: Path, text: str) -> None:
    """Say in the run's folder what was done, unless nothing was ever planned in it."""
    if run_dir.is_dir():
        with (run_dir / LOG).open("a", encoding="utf-8") as log:
            log.write(f"{text}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
