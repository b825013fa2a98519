"""Approving and running drills in the tests: the same stages as the flow, without Prefect."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from nonreg.clients.sshsig import load_key_file
from nonreg.config import load_platform
from nonreg.decision import sign_decision, write_signed
from nonreg.drills.approval import render_drill_plan, request_approval, require_people
from nonreg.model import CampaignReport, Gap, Scenario
from nonreg.plan import CampaignRequest, collect_scenarios, draft_plan, identify_tool
from nonreg.sandbox.layout import Layout
from tests.campaigns import run_campaign

TITULAIRE = "titulaire-essai"


def approve(
    layout: Layout,
    folder: Path,
    select: str,
    families: str = "hd",
    *,
    platform_file: Path | None = None,
    scenarios: str = "",
    catalog: tuple[Scenario, ...] = (),
) -> Path:
    """The titulaire's signed approval of these drills on that platform; returns its file.

    `platform_file` is another file of the same platform, `catalog` what was collected of the scenarios before.
    """
    file = str(platform_file or layout.platform_file)
    request = CampaignRequest(file, families, select, scenarios=scenarios, drills="?")
    platform = load_platform(request.platform)
    catalog = catalog or collect_scenarios(request.scenarios_dir())
    plan = draft_plan(request, platform, catalog, "essai", identify_tool(request), True)
    text = render_drill_plan(platform, plan)
    person = require_people(platform).find(TITULAIRE)
    assert person is not None
    asked = request_approval(platform, text, person, plan.ticket, "essai", datetime.now(UTC), 24.0)
    signed = sign_decision(asked, load_key_file(layout.identities_dir / TITULAIRE))
    path = folder / f"{signed.decision.id}.signed.json"
    folder.mkdir(parents=True, exist_ok=True)
    write_signed(path, signed)
    return path


def drill(
    layout: Layout,
    folder: Path,
    select: str,
    *,
    platform_file: Path | None = None,
    scenarios: str = "",
    catalog: tuple[Scenario, ...] = (),
) -> CampaignReport:
    """A campaign of these drills, approved; its run lies in `folder`."""
    file = platform_file or layout.platform_file
    catalog = catalog or collect_scenarios(CampaignRequest("", scenarios=scenarios).scenarios_dir())
    signed = approve(
        layout, folder / "decisions", select, platform_file=file, scenarios=scenarios, catalog=catalog
    )
    return run_campaign(
        file, folder / "passage", "hd", select, scenarios, drills=str(signed), catalog=catalog
    )


def find_gaps(report: CampaignReport, scenario_id: str) -> tuple[Gap, ...]:
    """What a scenario found wrong."""
    return next(one.gaps for one in report.run.results if one.scenario_id == scenario_id)


def list_rows(report: CampaignReport, scenario_id: str, expected: str) -> list[str]:
    """The rows of the gap that says that this was expected, cells joined by a space; none without such a gap."""
    return [
        " ".join(row)
        for gap in find_gaps(report, scenario_id)
        if gap.expected == expected
        for row in gap.rows
    ]
