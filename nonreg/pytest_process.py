"""pytest in a subprocess of its own, for one attempt of a campaign.

It starts before it is needed: it loads and collects while its caller still looks at the platform, and begins no
scenario before it is followed. The one that collects for the plan becomes that of the first attempt.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from nonreg import store
from nonreg.attempts import Attempt, describe_attempt, read_attempt
from nonreg.config import load_platform
from nonreg.masking import Mask, list_secrets
from nonreg.model import CampaignPlan, Scenario
from nonreg.plan import COLLECT_DEADLINE_SECONDS, collect_scenarios, pytest_command
from nonreg.recorder import COLLECT_VARIABLE, GO, PLATFORM_VARIABLE, RUN_VARIABLE
from nonreg.standby import LINE_BYTES, read_scenarios_line, write_order

GRACE_SECONDS = 30.0
POLL_SECONDS = 0.05


class Process:
    """A pytest which ends with us, and with it what it started: its standard input is a socket of ours."""

    def __init__(self, command: list[str], log: int, kept: tuple[int, ...] = (), **environment: str) -> None:
        self.line, theirs = socket.socketpair()
        inherited = {
            name: value for name, value in os.environ.items() if name not in (COLLECT_VARIABLE, RUN_VARIABLE)
        }
        with theirs:
            self._process = subprocess.Popen(
                command,
                env={**inherited, **environment},
                stdin=theirs.fileno(),  # its end tells the recorder that we are gone, even by SIGKILL
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=kept,
            )
        self._end = os.pidfd_open(self._process.pid)  # readable once it has ended

    def read_code(self) -> int | None:
        """Its exit code, None while it runs."""
        return self._process.poll()

    def await_end(self, seconds: float) -> None:
        """Wait for its end, for so long at most."""
        select.select([self._end], [], [], seconds)

    def tell(self, said: bytes, kept: tuple[int, ...] = ()) -> None:
        """Say something, with descriptors to keep; whatever has ended hears nothing, and its exit code says so."""
        with suppress(BrokenPipeError, ConnectionResetError):
            socket.send_fds(self.line, [said], kept)

    def end(self) -> None:
        """Kill it and what it started, if it still runs."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self.line.close()
        if self._end >= 0:
            os.close(self._end)
            self._end = -1


class LoadedPytest:
    """One that has loaded and collected for a plan, and waits to be told which run it is for."""

    def __init__(self, scenarios_dir: Path) -> None:
        self._scenarios_dir = scenarios_dir
        self.process = Process([*pytest_command(scenarios_dir), "-p", "nonreg.standby"], subprocess.DEVNULL)

    def collect(self) -> tuple[Scenario, ...]:
        """What it found; when it ends without a word, `collect_scenarios` says what is not sound."""
        line, told = self.process.line, b""
        line.settimeout(COLLECT_DEADLINE_SECONDS)
        with suppress(TimeoutError, ConnectionResetError):
            while not told.endswith(b"\n") and (more := line.recv(LINE_BYTES)):
                told += more
        if told.endswith(b"\n"):
            line.settimeout(None)
            return read_scenarios_line(told)
        self.process.end()
        return collect_scenarios(self._scenarios_dir)


@contextmanager
def loading_pytest(scenarios_dir: Path) -> Iterator[LoadedPytest]:
    """pytest that loads and collects at once; it ends with the block."""
    loaded = LoadedPytest(scenarios_dir)
    try:
        yield loaded
    finally:
        loaded.process.end()


class PytestProcess:
    """One attempt under way; `follow` lets it begin."""

    def __init__(self, process: Process, attempt: Attempt, plan: CampaignPlan) -> None:
        self._process = process
        self._attempt = attempt
        planned, known = set(attempt.scenario_ids), plan.closing if attempt.closing else plan.scenarios
        self._deadline_seconds = GRACE_SECONDS + sum(
            scenario.timeout_seconds for scenario in known if scenario.id in planned
        )

    def follow(self, stop: threading.Event) -> tuple[int | None, str]:
        """Let the scenarios begin and wait for their end: pytest's exit code, and why it was stopped if it was."""
        self._process.tell(GO)
        deadline = time.monotonic() + self._deadline_seconds
        try:
            while (code := self._process.read_code()) is None:
                if time.monotonic() > deadline:
                    return None, self._say_late()
                if stop.is_set():
                    return None, "Campagne arrêtée à la demande."
                self._process.await_end(POLL_SECONDS)
            return code, ""
        finally:
            self._process.end()  # also when we are being cancelled: no scenario outlives its campaign

    def _say_late(self) -> str:
        what = "Contrôles finaux arrêtés" if self._attempt.closing else "Campagne arrêtée"
        where = describe_attempt(self._attempt.number)
        return f"{what} après {self._deadline_seconds:g} s{where and f' ({where})'}."


@contextmanager
def starting_pytest(
    plan: CampaignPlan,
    run_dir: Path,
    platform_file: Path,
    scenarios_dir: Path,
    busy: int | None = None,
    loaded: LoadedPytest | None = None,
) -> Iterator[PytestProcess]:
    """pytest for the current attempt, which ends with the block: the one that is `loaded`, or a new one.

    It inherits `busy`: if we are killed, nobody heals or drills before it has noticed, and is gone too.

    Its output is kept in pytest.log, of retries in pytest-essai-N.log, of the closing checks in pytest-final.log.
    """
    attempt = read_attempt(plan, run_dir)
    path = run_dir / name_log(attempt)
    kept = () if busy is None else (busy,)
    if loaded is not None and not may_go_on(loaded, plan):
        loaded.process.end()
        loaded = None
    if loaded is not None:
        path.touch()
        process = loaded.process
        process.tell(write_order(run_dir, platform_file, path), kept)
    else:
        process = start_process(run_dir, platform_file, scenarios_dir, path, kept)
    try:
        yield PytestProcess(process, attempt, plan)
    finally:
        process.end()
        mask_file(path, platform_file)


def may_go_on(loaded: LoadedPytest, plan: CampaignPlan) -> bool:
    """False for one that has ended, and before drills: what they execute is loaded after their approval was checked."""
    return not plan.drills and loaded.process.read_code() is None


def start_process(
    run_dir: Path, platform_file: Path, scenarios_dir: Path, log_file: Path, kept: tuple[int, ...]
) -> Process:
    """One that is for that run from its start."""
    with log_file.open("wb") as log:
        return Process(
            pytest_command(scenarios_dir),
            log.fileno(),
            kept,
            PYTHONDONTWRITEBYTECODE="1",
            **{RUN_VARIABLE: str(run_dir.resolve()), PLATFORM_VARIABLE: str(platform_file.resolve())},
        )


def run_pytest(
    plan: CampaignPlan,
    run_dir: Path,
    platform_file: Path,
    scenarios_dir: Path,
    stop: threading.Event,
    busy: int | None = None,
) -> tuple[int | None, str]:
    """The current attempt from its start to its end."""
    with starting_pytest(plan, run_dir, platform_file, scenarios_dir, busy) as running:
        return running.follow(stop)


def name_log(attempt: Attempt) -> str:
    """Where pytest's output is kept."""
    if attempt.closing:
        return "pytest-final.log"
    return "pytest.log" if attempt.number == 1 else f"pytest-essai-{attempt.number}.log"


def mask_file(path: Path, platform_file: Path) -> None:
    """Hide the platform's secrets in what was printed by nobody's thread, or by pytest on an error of its own."""
    said = path.read_text(encoding="utf-8", errors="surrogateescape")
    masked = Mask(list_secrets(load_platform(str(platform_file)))).hide(said)
    if masked != said:
        store.write_file(path, masked.encode("utf-8", errors="surrogateescape"))
