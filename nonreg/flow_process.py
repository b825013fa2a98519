"""A flow as a process, with a throw-away Prefect API of its own unless a server is asked for."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from nonreg.keeper import LOG, PREFECT_HOME, RUN_MARK, live_in, remove_left_homes, start_keeper
from nonreg.prefect_home import describe_home, fill_home
from nonreg.service.identity import check_environment

STOP_SECONDS = 30.0


@contextmanager
def flow_process(
    run_dir: Path,
    parameters: Mapping[str, object],
    stop_seconds: float = STOP_SECONDS,
    flow: str = "campagne",
) -> Iterator[subprocess.Popen[bytes]]:
    """Start the flow; at the end, or when we are interrupted, it is stopped and nothing of it is left.

    What Prefect prints goes to the run's log. A keeper does the same if we are killed. `stop_seconds` is how long
    a stopped flow may take to leave the platform as it found it. NotOurs when the server that is asked for is not that
    of the installation that the environment names.
    """
    check_environment(os.environ)
    run_dir = run_dir.resolve()
    remove_left_homes(Path(str(parameters["runs_dir"])))
    mark = f"{run_dir} {os.getpid()}"  # two terminals may follow one execution: neither ends the flow of the other
    keeper = start_keeper(run_dir, mark)
    with (run_dir / LOG).open("a+b") as log:
        live_in(log)
        process = subprocess.Popen(
            [sys.executable, "-m", "flows", flow, json.dumps(parameters)],
            env={**os.environ, **prefect_settings(run_dir), RUN_MARK: mark},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)  # Prefect then stops the stages, and the run stage its pytest
            try:
                process.wait(stop_seconds)
            except (subprocess.TimeoutExpired, KeyboardInterrupt):  # whoever interrupts again does not wait
                process.kill()
        keeper.communicate()


def prefect_settings(run_dir: Path) -> dict[str, str]:
    """Environment for Prefect: nothing of the user's own profile is read or written."""
    if os.environ.get("PREFECT_API_URL"):
        return {"PREFECT_SERVER_ANALYTICS_ENABLED": "false", "DO_NOT_TRACK": "1"}
    home = run_dir / PREFECT_HOME
    with suppress(FileExistsError):  # somebody else follows this execution: the flow lives there
        home.mkdir()
        fill_home(home)
    return {
        **describe_home(home),
        "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "true",
        "PREFECT_LOGGING_TO_API_ENABLED": "false",  # nobody reads them there, and the last ones would hang the end
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    }
