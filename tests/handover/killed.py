"""Executions followed from a terminal, whose processes are killed at moments that were drawn beforehand."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import psutil

from nonreg.handover.journal import Journal
from nonreg.handover.state import Event
from nonreg.keeper import LOG, RUN_MARK
from nonreg.model.handover import Execution
from nonreg.store import PLAN
from nonreg.waiting import wait_until
from tasks.publication import is_published

PLAY_SECONDS, GONE_SECONDS, LOOK_SECONDS = 600.0, 90.0, 0.003
LINES_OF_START, LINES_OF_STEP = 3, 2  # of the flow's log


class Moment(StrEnum):
    """What is counted until a kill."""

    LEDGER = "lignes du registre"
    LOG = "lignes du journal"
    CLOCK = "secondes"


class Victims(StrEnum):
    """Who dies: the rest must end by itself."""

    COMMAND = "commande"
    FLOW = "flow"
    BOTH = "commande et flow"
    ALL = "tout à la fois"


@dataclass(frozen=True, slots=True)
class Kill:
    """At which part (0 to 1) of what is left of an execution, how many seconds after, and who."""

    moment: Moment
    part: float
    seconds_after: float
    victims: Victims

    def __str__(self) -> str:
        after = f" puis {self.seconds_after:.2f} s" if self.seconds_after else ""
        return f"{self.part:.0%} des {self.moment}{after}, {self.victims}"


def draw_kill(chance: random.Random, *moments: Moment) -> Kill:
    """A kill just after a line as often as later, in the midst of what comes of it; at one of these moments, or any."""
    after = chance.choice((0.0, chance.uniform(0.0, 0.2), chance.uniform(0.0, 5.0)))
    return Kill(chance.choice(moments or list(Moment)), chance.random(), after, chance.choice(list(Victims)))


class Followed:
    """Executions in one folder of runs, `expected` of them, opened by one command and resumed by others."""

    def __init__(
        self,
        journal: Journal,
        log: Path,
        opening: Sequence[str],
        options: Sequence[str],
        environment: Mapping[str, str] | None = None,
        expected: int = 1,
    ) -> None:
        self.journal, self.log, self.expected = journal, log, expected
        self._opening, self._options = tuple(opening), tuple(options)
        self._environment = {**os.environ, **(environment or {})}
        self.known = journal.list_ids()
        self.cut_runs = set[str]()  # campaigns that were under way when something was killed
        self._cut = ""  # the execution that was followed by what was killed last

    @property
    def executions(self) -> tuple[Execution, ...]:
        """Those that were opened here, oldest first."""
        return tuple(self.journal.load(one) for one in self.journal.list_ids() if one not in self.known)

    @property
    def execution(self) -> Execution:
        """The only one."""
        (found,) = self.executions
        return found

    def find_unfinished(self) -> Execution | None:
        """The first that is not closed."""
        return next((one for one in self.executions if one.closed_at is None), None)

    def choose(self) -> str:
        """What is to be followed now; empty as long as not all is opened."""
        executions = self.executions
        if len(executions) < self.expected:
            return ""
        unfinished = self.find_unfinished()
        return self._cut or (unfinished or executions[0]).id

    def start(self) -> subprocess.Popen[bytes]:
        """The command that opens, or that which resumes what was cut, else what is not closed."""
        words = ("runbook", "resume", found) if (found := self.choose()) else self._opening
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "nonreg", *words, *self._options],
                env=self._environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def play(self, kill: Kill | None = None) -> int | None:
        """Its exit code, None when it was killed before its end."""
        self._cut, command = self.choose(), self.start()
        reached = self._count_to(kill) if kill is not None else lambda: False
        wait_until(lambda: command.poll() is not None or reached(), PLAY_SECONDS, poll_seconds=LOOK_SECONDS)
        if kill is not None:
            with suppress(subprocess.TimeoutExpired):
                command.wait(kill.seconds_after)
        if kill is None or command.poll() is not None:
            self._cut = ""
            return command.wait()
        runs = {path.parent for path in self.journal.runs_dir.glob(f"*/{PLAN}")}
        self.cut_runs |= {one.name for one in runs if not is_published(one)} | self._list_begun()
        self.kill(command, kill.victims)
        command.wait(GONE_SECONDS)
        wait_until(lambda: not self.find_left(), GONE_SECONDS, "ce qui a été tué laisse des processus")
        self._cut = self._cut or next((one.id for one in self.executions), "")
        return None

    def _list_begun(self) -> set[str]:
        """Campaigns that were announced and whose folder is not there yet."""
        runs = self.journal.runs_dir
        entries = (entry for one in self.executions for entry in self.journal.read(one.id))
        begun = {str(entry.data["run_id"]) for entry in entries if entry.data["event"] == Event.BEGUN}
        return {one for one in begun if not (runs / one / PLAN).is_file()}

    def _count_to(self, kill: Kill) -> Callable[[], bool]:
        execution = self.find_unfinished()
        left = 16 if execution is None else len(execution.runbook.steps) - len(execution.done)
        if kill.moment is Moment.CLOCK:
            until = time.monotonic() + kill.part * (8.0 + left)
            return lambda: time.monotonic() >= until
        if kill.moment is Moment.LEDGER:
            target = count_lines([self.journal.file]) + 1 + int(kill.part * (left + 1))
            return lambda: count_lines([self.journal.file]) >= target
        target = self._count_log() + 1 + int(kill.part * (LINES_OF_START + LINES_OF_STEP * left))
        return lambda: self._count_log() >= target

    def _count_log(self) -> int:
        return count_lines(self.journal.runs_dir.glob(f"runbooks/*/{LOG}"))

    def kill(self, command: subprocess.Popen[bytes], victims: Victims) -> None:
        """SIGKILL; for the whole, until nothing that was born meanwhile is left either."""
        if victims is Victims.ALL:
            command.kill()
            wait_until(lambda: not [one for one in self.find_left() if kill_process(one)], GONE_SECONDS)
            return
        leaders = self.find_flows() if victims is not Victims.COMMAND else []
        if victims is not Victims.FLOW or not leaders:
            leaders.append(command.pid)
        for pid in leaders:
            with suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)

    def find_flows(self) -> list[int]:
        """Leaders of the group of each execution's flow."""
        found = []
        for process in self.find_left():
            with suppress(psutil.Error, ProcessLookupError):
                marked = f"{self.journal.runs_dir}/runbooks/" in process.environ().get(RUN_MARK, "")
                if marked and os.getpgid(process.pid) == process.pid and "flows" in process.cmdline():
                    found.append(process.pid)
        return found

    def find_left(self) -> list[psutil.Process]:
        """Whatever process names these runs, in its words or by its mark."""
        found, runs = [], str(self.journal.runs_dir)
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                told = " ".join(process.cmdline())
                if process.pid != os.getpid() and (
                    runs in told or runs in process.environ().get(RUN_MARK, "")
                ):
                    found.append(process)
        return found


def kill_process(process: psutil.Process) -> bool:
    """True when it was there."""
    with suppress(psutil.NoSuchProcess):
        process.kill()
        return True
    return False


def count_lines(files: Iterable[Path]) -> int:
    """Lines of files that exist."""
    total = 0
    for file in files:
        with suppress(FileNotFoundError):
            total += file.read_bytes().count(b"\n")
    return total
