"""Folders of scenarios run for real by pytest with the campaign's plugins; no platform is needed."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from pathlib import Path

from nonreg import store
from nonreg.config import PLATFORMS_DIR
from nonreg.model import CampaignPlan, CampaignRun, Family, Nature, PlatformIdentity
from nonreg.plan import collect_scenarios, select_scenarios
from nonreg.pytest_process import run_pytest

PLATFORM = PlatformIdentity("essai", "Essai", Nature.TEST, "5.2.0", "jeu", ("SITE-A (ACTIF)",))


def run_folder(folder: Path, run_dir: Path, stop: threading.Event | None = None) -> CampaignRun:
    """Plan and run every scenario of a folder; no platform is needed."""
    scenarios = select_scenarios(collect_scenarios(folder), tuple(Family), "")
    at = datetime.now(UTC)
    plan = CampaignPlan(
        run_dir.name, "0", PLATFORM, "AQ-1", "moi", at, tuple(Family), "", scenarios, "0", "0", "commande"
    )
    store.save_plan(run_dir, plan)
    code, interruption = run_pytest(
        plan, run_dir, PLATFORMS_DIR / "embarquee.toml", folder, stop or threading.Event()
    )
    store.save_end(run_dir, datetime.now(UTC), code, interruption)
    return store.load_run(run_dir)
