"""Approving and running drills in the tests: the same stages as the flow, without Prefect."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from nonreg.clients.sshsig import load_key_file
from nonreg.config import load_platform
from nonreg.decision import sign_decision, write_signed
from nonreg.drills.approval import render_drill_plan, request_approval, require_people
from nonreg.plan import CampaignRequest, collect_scenarios, draft_plan, identify_tool
from nonreg.sandbox.layout import Layout

TITULAIRE = "titulaire-essai"


def approve(layout: Layout, folder: Path, select: str, families: str = "hd") -> Path:
    """The titulaire's signed approval of these drills on that platform; returns its file."""
    request = CampaignRequest(str(layout.platform_file), families, select, drills="?")
    platform = load_platform(request.platform)
    plan = draft_plan(
        request, platform, collect_scenarios(request.scenarios_dir()), "essai", identify_tool(request), True
    )
    text = render_drill_plan(platform, plan)
    person = require_people(platform).find(TITULAIRE)
    assert person is not None
    asked = request_approval(platform, text, person, plan.ticket, "essai", datetime.now(UTC), 24.0)
    signed = sign_decision(asked, load_key_file(layout.identities_dir / TITULAIRE))
    path = folder / f"{signed.decision.id}.signed.json"
    folder.mkdir(parents=True, exist_ok=True)
    write_signed(path, signed)
    return path
