"""Campaigns for the tests: the same stages as the flow, without Prefect."""

from __future__ import annotations

import threading
from pathlib import Path

from nonreg import store
from nonreg.basis import load_basis, save_basis
from nonreg.config import load_platform
from nonreg.decision import load_signed
from nonreg.drills.approval import keep_approval
from nonreg.execute import execute_plan
from nonreg.model import CampaignReport, Scenario
from nonreg.plan import CampaignRequest, collect_scenarios, identify_tool, plan_campaign
from tasks.publication import judge_folder


def run_campaign(
    platform_file: Path,
    run_dir: Path,
    families: str = "",
    select: str = "",
    scenarios: str = "",
    retries: int = 0,
    drills: str = "",
    stop: threading.Event | None = None,
    catalog: tuple[Scenario, ...] = (),
    effects: str = "",
) -> CampaignReport:
    """Plan, run and judge; the run's folder holds everything that was recorded.

    `drills` is the file of a signed approval, `catalog` what was collected of the folder before.
    """
    request = CampaignRequest(str(platform_file), families, select, "", scenarios, retries, drills, effects)
    platform = load_platform(request.platform)
    catalog = catalog or collect_scenarios(request.scenarios_dir())
    plan = plan_campaign(request, platform, catalog, run_dir.name, identify_tool(request))
    basis = load_basis(platform, plan, catalog, run_dir.parent)
    save_basis(run_dir, basis)
    store.save_plan(run_dir, plan)
    if drills:
        keep_approval(run_dir, load_signed(Path(drills)))
    execute_plan(platform, plan, run_dir, platform_file, request.scenarios_dir(), stop or threading.Event())
    return judge_folder(run_dir)
