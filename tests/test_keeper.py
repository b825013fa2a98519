"""The keeper of a killed command ends all that it had started, a command with a keeper of its own too."""

from __future__ import annotations

import errno
import fcntl
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from nonreg.flow_process import flow_process
from nonreg.handover.journal import FOLDER
from nonreg.keeper import (
    PREFECT_HOME,
    RUN_MARK,
    end_processes,
    remove_home,
    remove_left_homes,
    start_keeper,
)
from nonreg.prefect_home import DATABASE
from nonreg.waiting import wait_until

END_SECONDS = 60.0
# What a rehearsal does within its flow: a campaign, whose flow has a session and a mark of its own.
INNER = """
import os, subprocess, sys
from pathlib import Path
from nonreg.keeper import RUN_MARK, start_keeper
keeper = start_keeper(Path(sys.argv[1]), sys.argv[1])
flow = subprocess.Popen(
    [sys.executable, "-c", "import signal; signal.pause()"],
    env={**os.environ, RUN_MARK: sys.argv[1]},
    start_new_session=True,
)
print(flow.pid, flush=True)
flow.wait()
"""
COMMAND = """
import sys
from pathlib import Path
from nonreg.flow_process import flow_process
run_dir = Path(sys.argv[1])
with flow_process(run_dir, {"runs_dir": str(run_dir.parent)}) as flow:
    print(flow.pid, flush=True)
    flow.wait()
"""


def test_a_command_within_a_flow_that_is_ended_leaves_nothing_either(tmp_path: Path) -> None:
    outer, inner = tmp_path / "execution", tmp_path / "campagne"
    for folder in (outer, inner):
        (folder / PREFECT_HOME).mkdir(parents=True)
    keeper = start_keeper(outer, str(outer))
    command = subprocess.Popen(
        [sys.executable, "-c", INNER, str(inner)],
        env={**os.environ, RUN_MARK: str(outer)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert command.stdout is not None
    assert keeper.stdin is not None
    flow = psutil.Process(int(command.stdout.readline()))
    keeper.stdin.close()  # as the death of whoever started it does
    try:
        command.wait(END_SECONDS)
        wait_until(lambda: not flow.is_running(), END_SECONDS, "le flow de la campagne continue")
        wait_until(lambda: not (inner / PREFECT_HOME).exists(), END_SECONDS)
    finally:
        if flow.is_running():
            flow.kill()
        command.stdout.close()
    assert keeper.wait(END_SECONDS) == 0
    assert not (outer / PREFECT_HOME).exists()


def test_what_a_killed_keeper_has_left_goes_when_the_next_flow_starts_unless_its_flow_lives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    campaign, execution, later = tmp_path / "campagne", tmp_path / FOLDER / "essai", tmp_path / "suivante"
    for folder in (campaign, execution, later):
        folder.mkdir(parents=True)
    lost, living = leave_flow(campaign), leave_flow(execution)
    try:
        kill(lost)
        start_flow(later)
        assert [one.parent for one in tmp_path.rglob(PREFECT_HOME)] == [execution]
        assert (execution / PREFECT_HOME / DATABASE).is_file()
    finally:
        kill(living)
    start_flow(later)
    assert list(tmp_path.rglob(PREFECT_HOME)) == []


def test_a_second_terminal_leaves_the_flow_of_the_first_and_its_home_as_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    living, database = leave_flow(tmp_path), tmp_path / PREFECT_HOME / DATABASE
    try:
        database.write_bytes(b"ce que le premier y tient")
        with flow_process(tmp_path, {"runs_dir": str(tmp_path.parent)}) as flow:
            flow.kill()
        assert living.status() == psutil.STATUS_STOPPED
        assert database.read_bytes() == b"ce que le premier y tient"
    finally:
        kill(living)


def test_where_no_lock_can_tell_whether_a_flow_lives_its_home_is_left_to_its_keeper(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    home = tmp_path / "campagne" / PREFECT_HOME
    home.mkdir(parents=True)
    remove_left_homes(tmp_path)
    assert home.is_dir()
    remove_home(home.parent, without_locks=True)
    assert not home.exists()


def test_a_process_that_will_not_end_is_killed_and_gone_before_its_home_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nonreg.keeper.END_SECONDS", 1.0)
    deaf = "import signal; signal.signal(15, signal.SIG_IGN); print(flush=True); signal.pause()"
    flow = subprocess.Popen(
        [sys.executable, "-c", deaf], env={**os.environ, RUN_MARK: str(tmp_path)}, stdout=subprocess.PIPE
    )
    assert flow.stdout is not None
    flow.stdout.readline()
    try:
        end_processes(str(tmp_path))
        assert not psutil.pid_exists(flow.pid)
    finally:
        flow.kill()
        flow.wait()
        flow.stdout.close()


def leave_flow(run_dir: Path) -> psutil.Process:
    """A flow, stopped before it did anything, whose command and keeper were killed."""
    command = subprocess.Popen(
        [sys.executable, "-c", COMMAND, str(run_dir)],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert command.stdout is not None
    flow = psutil.Process(int(command.stdout.readline()))
    flow.suspend()
    (keeper,) = (one for one in psutil.Process(command.pid).children() if one != flow)
    for one in (keeper, psutil.Process(command.pid)):
        one.kill()
    command.wait()
    command.stdout.close()
    return flow


def kill(flow: psutil.Process) -> None:
    """Gone when it returns: it is nobody's child here."""
    flow.kill()
    psutil.wait_procs([flow], END_SECONDS)


def start_flow(run_dir: Path) -> None:
    """One that is ended at once."""
    with flow_process(run_dir, {"runs_dir": str(run_dir.parent)}) as flow:
        flow.kill()
