"""SIGKILL of the campaign at any moment of any drill: the next start heals the platform, and the drill is reported.

`DRILL_SEEDS=n` kills each drill n times at other moments; `DRILL_SELECT` chooses drills.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from nonreg.config import load_platform
from nonreg.drills.register import open_register
from nonreg.drills.steady import wait_steady
from nonreg.model import Outcome, Verdict
from nonreg.plan import SCENARIOS_DIR, collect_scenarios
from nonreg.sandbox.launch import start_instance, stop_instance
from nonreg.sandbox.layout import Layout
from nonreg.selection import is_selected
from nonreg.store import END, load_run, read_events
from nonreg.waiting import wait_until
from tasks.publication import judge_folder
from tests.campaigns import run_campaign
from tests.drills.drilling import approve

SEEDS = int(os.environ.get("DRILL_SEEDS", "1"))
LONGEST_SECONDS = {"HD-015": 60.0, "HD-015b": 60.0}
USUAL_SECONDS = 16.0
STARTED_SECONDS = 60.0
STEADY_SECONDS = 60.0


def list_drills() -> list[str]:
    """Ids of the shipped drills that break something."""
    wanted = os.environ.get("DRILL_SELECT", "")
    return [
        found.id
        for found in collect_scenarios(SCENARIOS_DIR)
        if found.drill is not None and found.drill.faults and is_selected(found.id, wanted)
    ]


@pytest.fixture(scope="module")
def platform_to_kill_on(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Layout]:
    """One platform for all: each kill must leave it fit for the next."""
    instance = start_instance(tmp_path_factory.mktemp("tue"))
    yield instance.layout
    stop_instance(instance)


def start_drill(layout: Layout, run_dir: Path, drill: str) -> subprocess.Popen[bytes]:
    """The campaign of one drill, approved, in its own process group."""
    approval = approve(layout, run_dir.parent / "decisions", drill)
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "tests.drills.killing", str(layout.platform_file), str(run_dir)),
            *(drill, str(approval)),
        ],
        start_new_session=True,
    )


@pytest.mark.parametrize("seed", range(SEEDS))
@pytest.mark.parametrize("drill", list_drills())
def test_a_killed_drill_is_healed_by_the_next_start_and_reported(
    platform_to_kill_on: Layout, tmp_path: Path, drill: str, seed: int
) -> None:
    layout = platform_to_kill_on
    platform = load_platform(str(layout.platform_file))
    moment = random.Random(f"{drill} {seed}").uniform(0.0, LONGEST_SECONDS.get(drill, USUAL_SECONDS))
    killed = tmp_path / "tue"
    process = start_drill(layout, killed, drill)
    wait_until(
        lambda: any(event.get("scenario_id") == drill for event in read_events(killed)),
        STARTED_SECONDS,
        f"{drill} ne commence pas",
        0.05,
    )
    until = time.monotonic() + moment
    wait_until(lambda: time.monotonic() >= until or process.poll() is not None, moment + 1, poll_seconds=0.01)
    process.send_signal(signal.SIGKILL)  # its pytest sees its end and goes too: nobody heals
    process.wait()
    pending = open_register(platform).pending()

    after = run_campaign(layout.platform_file, tmp_path / "suivant", "hd", "HD-001,HD-002,HD-003")

    assert not open_register(platform).pending(), f"{drill}, tuée à {moment:.2f} s : {pending}"
    assert wait_steady(platform, STEADY_SECONDS) == (), f"{drill}, tuée à {moment:.2f} s"
    assert after.run.interruption == "", f"{drill}, tuée à {moment:.2f} s"
    assert {result.outcome for result in after.run.results} <= {Outcome.OK, Outcome.MESURE}
    for entry in pending:
        assert any(drill in said and entry.fault.action in said for said in after.run.healed)
    if not (killed / END).is_file():  # else the drill was over before
        report = judge_folder(killed)
        (found,) = report.assessment.findings
        assert found.outcome in (Outcome.INCONCLUSIF, Outcome.OK, Outcome.MESURE)
        assert report.assessment.verdict is Verdict.INCOMPLET
        assert load_run(killed).interruption
