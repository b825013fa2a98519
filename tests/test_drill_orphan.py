"""A campaign is killed and its pytest has not noticed yet: nobody else heals or drills before it is gone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from nonreg.drills.register import Register, hold_drills
from nonreg.errors import DrillRefused
from nonreg.waiting import wait_until

ROOT = Path(__file__).parent.parent
SCENARIO = """
import os
from pathlib import Path
from threading import Event
from nonreg.model import Criticality
from nonreg.recorder import scenario

@scenario("HD-001", "Dure", Criticality.MAJEURE)
def test_lasts():
    file = Path(os.environ["NONREG_RUN_DIR"], "pid")
    file.with_suffix(".part").write_text(str(os.getpid()))
    file.with_suffix(".part").replace(file)
    Event().wait(50)
"""
CAMPAIGN = """
import sys, threading
from datetime import UTC, datetime
from pathlib import Path
from nonreg import store
from nonreg.config import PLATFORMS_DIR
from nonreg.drills.register import Register, hold_drills
from nonreg.pytest_process import loading_pytest, starting_pytest
from nonreg.model import CampaignPlan, Family
from tests.folder_runs import PLATFORM

folder, run_dir, register = (Path(one) for one in sys.argv[1:4])
file = PLATFORMS_DIR / "embarquee.toml"
with loading_pytest(folder) as loaded, hold_drills(Register(register), "passage") as busy:
    plan = CampaignPlan("p", "0", PLATFORM, "AQ-1", "moi", datetime.now(UTC), tuple(Family), "",
                        loaded.collect(), "0", "0", "commande")
    store.save_plan(run_dir, plan)
    chosen = loaded if sys.argv[4] == "collected" else None
    with starting_pytest(plan, run_dir, file, folder, busy, chosen) as running:
        running.follow(threading.Event())
"""


def is_free(register: Register) -> bool:
    with ExitStack() as held:
        try:
            held.enter_context(hold_drills(register, "suivant"))
        except DrillRefused:
            return False
    return True


@pytest.mark.parametrize("pytest_process", ["collected", "new"])
def test_the_platform_stays_taken_until_the_pytest_of_a_killed_campaign_is_gone(
    tmp_path: Path, pytest_process: str
) -> None:
    folder, run_dir, register = tmp_path / "scenarios", tmp_path / "passage", tmp_path / "exercices"
    folder.mkdir()
    (folder / "test_dure.py").write_text(SCENARIO, encoding="utf-8")
    words = [str(one) for one in (folder, run_dir, register, pytest_process)]
    with subprocess.Popen([sys.executable, "-c", CAMPAIGN, *words], cwd=ROOT) as campaign:
        wait_until((run_dir / "pid").is_file, 60)
        orphan = int((run_dir / "pid").read_text())
        os.kill(orphan, signal.SIGSTOP)  # as on a machine too busy to let it notice
        campaign.kill()
    try:
        assert not is_free(Register(register))
    finally:
        os.kill(orphan, signal.SIGCONT)
    wait_until(lambda: is_free(Register(register)), 20)
