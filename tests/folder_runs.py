"""Folders of scenarios run for real by pytest with the campaign's plugins; no platform is needed."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from pathlib import Path

from nonreg import store
from nonreg.config import PLATFORMS_DIR
from nonreg.model import CampaignPlan, CampaignRun, Family, Nature, PlatformIdentity
from nonreg.plan import select_scenarios
from nonreg.pytest_process import LoadedPytest, loading_pytest, starting_pytest

PLATFORM = PlatformIdentity("essai", "Essai", Nature.TEST, "5.2.0", "jeu", ("SITE-A (ACTIF)",))


def run_folder(folder: Path, run_dir: Path, stop: threading.Event | None = None) -> CampaignRun:
    """Plan and run every scenario of a folder as a campaign does; no platform is needed."""
    with loading_pytest(folder) as loaded:
        return run_loaded(loaded, plan_loaded(loaded, run_dir), folder, run_dir, stop)


def plan_loaded(loaded: LoadedPytest, run_dir: Path) -> CampaignPlan:
    """The plan of all that it collected, saved."""
    scenarios = select_scenarios(loaded.collect(), tuple(Family), "")
    at = datetime.now(UTC)
    plan = CampaignPlan(
        run_dir.name, "0", PLATFORM, "AQ-1", "moi", at, tuple(Family), "", scenarios, "0", "0", "commande"
    )
    store.save_plan(run_dir, plan)
    return plan


def run_loaded(
    loaded: LoadedPytest,
    plan: CampaignPlan,
    folder: Path,
    run_dir: Path,
    stop: threading.Event | None = None,
) -> CampaignRun:
    """Execute a plan by the pytest that collected for it."""
    file = PLATFORMS_DIR / "embarquee.toml"
    with starting_pytest(plan, run_dir, file, folder, loaded=loaded) as running:
        code, interruption = running.follow(stop or threading.Event())
    store.save_end(run_dir, datetime.now(UTC), code, interruption)
    return store.load_run(run_dir)
