"""The keeper of a killed command ends all that it had started, a command with a keeper of its own too."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil

from nonreg.keeper import PREFECT_HOME, RUN_MARK, remove_left_home, start_keeper
from nonreg.waiting import wait_until

END_SECONDS = 60.0
# What a rehearsal does within its flow: a campaign, whose flow has a session and a mark of its own.
INNER = """
import os, subprocess, sys
from pathlib import Path
from nonreg.keeper import RUN_MARK, start_keeper
keeper = start_keeper(Path(sys.argv[1]))
flow = subprocess.Popen(
    [sys.executable, "-c", "import signal; signal.pause()"],
    env={**os.environ, RUN_MARK: sys.argv[1]},
    start_new_session=True,
)
print(flow.pid, flush=True)
flow.wait()
"""


def test_a_command_within_a_flow_that_is_ended_leaves_nothing_either(tmp_path: Path) -> None:
    outer, inner = tmp_path / "execution", tmp_path / "campagne"
    for folder in (outer, inner):
        (folder / PREFECT_HOME).mkdir(parents=True)
    keeper = start_keeper(outer)
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


def test_the_home_of_a_campaign_whose_keeper_was_killed_too_goes_when_nothing_of_it_lives(
    tmp_path: Path,
) -> None:
    home = tmp_path / PREFECT_HOME
    home.mkdir()
    flow = subprocess.Popen(
        [sys.executable, "-c", "import signal; print('vit', flush=True); signal.pause()"],
        env={**os.environ, RUN_MARK: str(tmp_path)},
        stdout=subprocess.PIPE,
    )
    assert flow.stdout is not None
    flow.stdout.readline()
    remove_left_home(tmp_path)
    assert home.is_dir()
    flow.kill()
    flow.wait()
    remove_left_home(tmp_path)
    assert not home.exists()
