"""pytest in a subprocess of its own, for one attempt of a campaign.

It starts before it is needed: it loads and collects while its caller still looks at the platform, and begins no
scenario before it is followed.
"""

from __future__ import annotations

import os
import signal
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
from nonreg.model import CampaignPlan
from nonreg.plan import pytest_command
from nonreg.recorder import COLLECT_VARIABLE, GO, PLATFORM_VARIABLE, RUN_VARIABLE

GRACE_SECONDS = 30.0
POLL_SECONDS = 0.05


class PytestProcess:
    """One attempt under way; `follow` lets it begin."""

    def __init__(self, process: subprocess.Popen[bytes], attempt: Attempt, plan: CampaignPlan) -> None:
        self._process = process
        self._attempt = attempt
        planned, known = set(attempt.scenario_ids), plan.closing if attempt.closing else plan.scenarios
        self._deadline_seconds = GRACE_SECONDS + sum(
            scenario.timeout_seconds for scenario in known if scenario.id in planned
        )

    def follow(self, stop: threading.Event) -> tuple[int | None, str]:
        """Let the scenarios begin and wait for their end: pytest's exit code, and why it was stopped if it was."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # it ended while it collected: its code says so
            self._process.stdin.write(GO)
            self._process.stdin.flush()
        deadline = time.monotonic() + self._deadline_seconds
        try:
            while self._process.poll() is None:
                if time.monotonic() > deadline:
                    return None, self._say_late()
                if stop.wait(POLL_SECONDS):
                    return None, "Campagne arrêtée à la demande."
            return self._process.returncode, ""
        finally:
            self.end()  # also when we are being cancelled: no scenario outlives its campaign

    def _say_late(self) -> str:
        what = "Contrôles finaux arrêtés" if self._attempt.closing else "Campagne arrêtée"
        where = describe_attempt(self._attempt.number)
        return f"{what} après {self._deadline_seconds:g} s{where and f' ({where})'}."

    def end(self) -> None:
        """Kill it and what it started, if it still runs."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()


@contextmanager
def starting_pytest(
    plan: CampaignPlan, run_dir: Path, platform_file: Path, scenarios_dir: Path, busy: int | None = None
) -> Iterator[PytestProcess]:
    """pytest for the current attempt, which ends with the block.

    It inherits `busy`: if we are killed, nobody heals or drills before it has noticed, and is gone too.

    Its output is kept in pytest.log, of retries in pytest-essai-N.log, of the closing checks in pytest-final.log.
    """
    attempt = read_attempt(plan, run_dir)
    environment = {
        **os.environ,
        RUN_VARIABLE: str(run_dir.resolve()),
        PLATFORM_VARIABLE: str(platform_file.resolve()),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    environment.pop(COLLECT_VARIABLE, None)
    path = run_dir / name_log(attempt)
    with path.open("wb") as log:
        process = subprocess.Popen(
            pytest_command(scenarios_dir),
            env=environment,
            stdin=subprocess.PIPE,  # its end tells the recorder that we are gone, even by SIGKILL
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=() if busy is None else (busy,),
        )
    running = PytestProcess(process, attempt, plan)
    try:
        yield running
    finally:
        running.end()
        mask_file(path, platform_file)


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
