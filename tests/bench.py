"""Figures of one run on this machine, as ratios where they compare; nothing here passes or fails.

`make bench`: from nothing to a ready platform, from the command to the first result, and the campaign's
run stage (guards, facts, progress, Prefect) against plain pytest on the same scenarios.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

from nonreg import store
from nonreg.config import load_platform
from nonreg.plan import SCENARIOS_DIR, CampaignRequest, collect_scenarios, identify_tool, plan_campaign
from nonreg.pytest_process import run_pytest
from nonreg.sandbox.launch import start_instance, stop_instance

REPEATS = 3


def time_platform(folder: Path) -> float:
    """Seconds from nothing to a ready platform, which is then ended."""
    started = time.monotonic()
    instance = start_instance(folder)
    elapsed = time.monotonic() - started
    stop_instance(instance)
    return elapsed


def time_plain_pytest(platform_file: Path, run_dir: Path) -> float:
    """Seconds of the scenarios alone: one pytest process, no guard, no Prefect."""
    platform = load_platform(str(platform_file))
    request = CampaignRequest(str(platform_file))
    scenarios = collect_scenarios(SCENARIOS_DIR)
    plan = plan_campaign(request, platform, scenarios, run_dir.name, identify_tool(request))
    store.save_plan(run_dir, plan)
    started = time.monotonic()
    run_pytest(plan, run_dir, platform_file, SCENARIOS_DIR, threading.Event())
    return time.monotonic() - started


def time_campaign(platform_file: Path, runs_dir: Path) -> tuple[float, float, float]:
    """Seconds from the command to the first result, of the run stage, and of the whole command."""
    begun, started = datetime.now(UTC), time.monotonic()
    subprocess.run(
        [
            *(sys.executable, "-m", "nonreg", "campaign"),
            *("--platform", str(platform_file), "--runs-dir", str(runs_dir)),
        ],
        stdout=subprocess.DEVNULL,
        check=False,
        env=os.environ,
    )
    whole = time.monotonic() - started
    (run_dir,) = (plan.parent for plan in runs_dir.glob("*/plan.json"))
    first = next(e for e in store.read_events(run_dir) if e["event"] == "scenario_finished")
    run = store.load_run(run_dir)
    end = datetime.fromisoformat(json.loads((run_dir / store.END).read_text("utf-8"))["ended_at"])
    to_first = (datetime.fromisoformat(first["at"]) - begun).total_seconds()
    return to_first, (end - run.plan.created_at).total_seconds(), whole


def main() -> None:
    """Print the figures, medians of a few repeats."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        ready = [time_platform(root / f"banc{number}") for number in range(REPEATS)]
        instance = start_instance(root / "banc")
        try:
            file = instance.layout.platform_file
            plain = [time_plain_pytest(file, root / f"nu{number}") for number in range(REPEATS)]
            campaigns = [time_campaign(file, root / f"passages{number}") for number in range(REPEATS)]
        finally:
            stop_instance(instance)
    to_first, stage, whole = (statistics.median(column) for column in zip(*campaigns, strict=True))
    bare = statistics.median(plain)
    print(f"de rien à la plateforme prête      {statistics.median(ready):6.1f} s")  # noqa: T201
    print(f"de la commande au premier résultat {to_first:6.1f} s")  # noqa: T201
    print(f"commande entière                   {whole:6.1f} s")  # noqa: T201
    print(f"pytest nu sur les mêmes scénarios  {bare:6.1f} s")  # noqa: T201
    print(f"étape d'exécution de la campagne   {stage:6.1f} s, soit {stage / bare:.2f} × pytest nu")  # noqa: T201


if __name__ == "__main__":
    main()
