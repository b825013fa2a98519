"""Figures of 1 000 scenarios that only read, run at once and one by one; nothing here passes or fails.

`main()` prints medians of a few repeats, taken in turn so that a busy machine weighs on all alike: pytest alone, the
campaign's plugin one by one, and the same as campaigns run it. "Boucle" is pytest's loop over the tests, "commande" the
whole process with its imports and its collection.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

from nonreg import store
from nonreg.config import PLATFORMS_DIR
from nonreg.model import CampaignPlan, Family
from nonreg.plan import collect_scenarios, select_scenarios
from nonreg.pytest_process import run_pytest
from tests.folder_runs import PLATFORM

COUNT, PER_FILE, REPEATS = 1000, 100, 3
WAITS_MS = (5, 0)
TIME_LOOP = """
import os, time
from pathlib import Path
import pytest

@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtestloop():
    started = time.monotonic()
    done = yield
    Path(os.environ["BENCH_LOOP"]).write_text(str(time.monotonic() - started))
    return done
"""
ONE_BY_ONE = (
    "\ndef pytest_runtest_call(item):\n    pass\n"  # who does something around each test has it alone
)
PLUGIN_TEST = """
@scenario("BASE-{0:03d}", "Attend", Criticality.MINEURE)
def test_{0}(witness):
    {1}
    witness.expect_equal(1, 1, "un")
"""
PLAIN_TEST = """
def test_{0}():
    {1}
    assert 1 == 1
"""
IMPORTS = (
    "import time\nfrom nonreg.model import Criticality\nfrom nonreg.recorder import scenario\n",
    "import time\n",
)


def write_folder(folder: Path, wait_ms: int, *, plain: bool, one_by_one: bool = False) -> Path:
    """1 000 tests that wait and expect one thing."""
    folder.mkdir()
    (folder / "conftest.py").write_text(TIME_LOOP + (ONE_BY_ONE if one_by_one else ""), encoding="utf-8")
    act = f"time.sleep({wait_ms / 1000})" if wait_ms else "pass"
    test = PLAIN_TEST if plain else PLUGIN_TEST
    for first in range(0, COUNT, PER_FILE):
        bodies = (test.format(number, act) for number in range(first, first + PER_FILE))
        (folder / f"test_{first:04d}.py").write_text(IMPORTS[plain] + "".join(bodies), encoding="utf-8")
    return folder


def time_plain(folder: Path) -> tuple[float, float]:
    """Seconds of the loop and of the command."""
    command = [sys.executable, "-m", "pytest", "-c", os.devnull, "--rootdir", str(folder)]
    started = time.monotonic()
    subprocess.run(
        [*command, "-p", "no:cacheprovider", "--import-mode=importlib", "-q", str(folder)],
        stdout=subprocess.DEVNULL,
        check=True,
    )
    whole = time.monotonic() - started
    return float(Path(os.environ["BENCH_LOOP"]).read_text(encoding="utf-8")), whole


def time_plugin(folder: Path, plan: CampaignPlan, run_dir: Path) -> tuple[float, float]:
    """The same of a campaign's own pytest process."""
    store.save_plan(run_dir, plan)
    started = time.monotonic()
    code, _ = run_pytest(plan, run_dir, PLATFORMS_DIR / "embarquee.toml", folder, threading.Event())
    assert code == 0
    whole = time.monotonic() - started
    return float(Path(os.environ["BENCH_LOOP"]).read_text(encoding="utf-8")), whole


def make_plan(folder: Path) -> CampaignPlan:
    """All scenarios of a folder."""
    found = select_scenarios(collect_scenarios(folder), tuple(Family), "")
    at = datetime.now(UTC)
    return CampaignPlan(
        "essai", "0", PLATFORM, "AQ-1", "moi", at, tuple(Family), "", found, "0", "0", "commande"
    )


def measure(root: Path, wait_ms: int) -> dict[str, tuple[float, float]]:
    """Median seconds of the loop and of the command, by runner."""
    plain = write_folder(root / f"nu{wait_ms}", wait_ms, plain=True)
    serial = write_folder(root / f"serie{wait_ms}", wait_ms, plain=False, one_by_one=True)
    together = write_folder(root / f"ensemble{wait_ms}", wait_ms, plain=False)
    plans = {folder: make_plan(folder) for folder in (serial, together)}
    taken = defaultdict(list)
    for number in range(REPEATS):
        taken["pytest seul"].append(time_plain(plain))
        for name, folder in (("campagne, un par un", serial), ("campagne, à la fois", together)):
            run_dir = root / f"{folder.name}-{number}"
            taken[name].append(time_plugin(folder, plans[folder], run_dir))
    medians = {}
    for name, found in taken.items():
        loops, wholes = zip(*found, strict=True)
        medians[name] = (statistics.median(loops), statistics.median(wholes))
    return medians


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        os.environ["BENCH_LOOP"] = str(root / "boucle")
        for wait_ms in WAITS_MS:
            medians = measure(root, wait_ms)
            print(f"{COUNT} scénarios de {wait_ms} ms        boucle        commande")  # noqa: T201
            loop, whole = medians["campagne, à la fois"]
            for name, (one_loop, one_whole) in medians.items():
                ratios = f"{one_loop / loop:5.1f} ×   {one_whole:6.2f} s  {one_whole / whole:5.1f} ×"
                print(f"  {name:<22} {one_loop:6.2f} s  {ratios}")  # noqa: T201


if __name__ == "__main__":
    main()
