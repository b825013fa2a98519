"""Drills for the tests: a small catalog of its own, and approvals signed with the embedded people's keys."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from pathlib import Path

from nonreg.clients.sshsig import load_key_file
from nonreg.config import Platform
from nonreg.decision import Decision, DecisionKind, DecisionRequest, hash_shown, sign_decision, write_signed
from nonreg.drills.approval import name_subject, render_drill_plan
from nonreg.model import CampaignPlan, Role, Scenario
from nonreg.plan import CampaignRequest, ToolIdentity, draft_plan

TOOL = ToolIdentity("moi", "0.1.0", "abc123", "python -m nonreg campaign")
HEADER = """
from nonreg.model import Criticality, Drill, DrillFault, DrillStage, Effect, SiteRole
from nonreg.recorder import scenario

STOP = DrillFault("service_stopped", SiteRole.PASSIF, (("service", "client"),), 20.0)
"""
STOP_CLIENT = """
@scenario("HD-915", "Arrêt du client du passif", Criticality.MAJEURE, Effect.DISRUPTIVE, timeout_seconds=90,
          drill=Drill(DrillStage.SECOURS, (STOP,), ("Prévenir la salle.",)))
def test_stop_client(witness): pass
"""
ROLES = """
@scenario("HD-001", "Rôles", Criticality.BLOQUANTE)
def test_roles(witness, campaign):
    with campaign.session(campaign.active_site) as session:
        role = session.query("site_role")
    witness.expect_equal(role.scalar(), "ACTIF", role.request)
"""


def write_catalog(folder: Path, *bodies: str, header: str = HEADER) -> Path:
    """A folder of scenarios."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "test_essai.py").write_text(header + "".join(bodies), encoding="utf-8")
    return folder


def draft(
    platform_file: Path, platform: Platform, scenarios: tuple[Scenario, ...], folder: Path, **changes: str
) -> CampaignPlan:
    """A plan with its drills, approved by nobody."""
    request = CampaignRequest(str(platform_file), scenarios=str(folder), ticket="AQ-31")
    request = dataclasses.replace(request, **changes)  # type: ignore[arg-type]
    return draft_plan(request, platform, scenarios, "passage", TOOL, drills=True)


def sign_approval(
    file: Path,
    target: Platform,
    plan: CampaignPlan,
    key: str,
    person: str = "titulaire-essai",
    **changes: object,
) -> Path:
    """A signed approval of a plan, in a file; `changes` are of its decision."""
    text = render_drill_plan(target, plan)
    now = datetime.now(UTC)
    decision = Decision(
        id="D-0123456789ab",
        kind=DecisionKind.EXERCICE,
        subject=name_subject(text),
        content_sha256=hash_shown(text),
        platform=target.name,
        identity_token=target.identity_token,
        person=person,
        role=Role.TITULAIRE,
        ticket=plan.ticket,
        reason="Recette de la haute disponibilité",
        decided_at=now - timedelta(minutes=1),
        expires_at=now + timedelta(hours=1),
    )
    decision = dataclasses.replace(decision, **changes)  # type: ignore[arg-type]
    write_signed(file, sign_decision(DecisionRequest(decision, text), load_key_file(Path(key))))
    return file
