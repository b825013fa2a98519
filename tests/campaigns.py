"""Campaigns for the tests: the same stages as the flow, without Prefect."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from pathlib import Path

from nonreg import baseline, store
from nonreg.assess import assess
from nonreg.config import load_platform
from nonreg.execute import execute_plan
from nonreg.model import CampaignReport
from nonreg.plan import CampaignRequest, collect_scenarios, identify_tool, plan_campaign
from reports.counts import count_natures


def run_campaign(
    platform_file: Path, run_dir: Path, families: str = "", select: str = "", scenarios: str = ""
) -> CampaignReport:
    """Plan, run and judge; the run's folder holds everything that was recorded."""
    request = CampaignRequest(str(platform_file), families, select, "", scenarios)
    platform = load_platform(request.platform)
    chosen = collect_scenarios(request.scenarios_dir())
    plan = plan_campaign(request, platform, chosen, run_dir.name, identify_tool(request))
    store.save_plan(run_dir, plan)
    execute_plan(platform, plan, run_dir, platform_file, request.scenarios_dir(), threading.Event())
    run = store.load_run(run_dir)
    assessment = assess(run, baseline.load_outcomes(platform.baseline))
    return CampaignReport(
        run, assessment, count_natures(run, assessment, ()), datetime.now(UTC), (plan.ticket,)
    )
