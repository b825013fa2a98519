"""Drills for the tests: a small catalog of its own, and approvals signed with the embedded people's keys."""

from __future__ import annotations

import dataclasses
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from nonreg.clients.ssh import Shell, open_shell
from nonreg.clients.sshsig import load_key_file
from nonreg.config import Platform, load_platform
from nonreg.decision import Decision, DecisionKind, DecisionRequest, hash_shown, sign_decision, write_signed
from nonreg.drills.approval import name_subject, render_drill_plan
from nonreg.drills.register import HEALED, open_register
from nonreg.model import CampaignPlan, CampaignReport, Role, Scenario, SiteRole
from nonreg.plan import CampaignRequest, ToolIdentity, draft_plan
from nonreg.probes.units import read_unit
from nonreg.sandbox.layout import Layout
from tests.campaigns import run_campaign

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
@scenario("HD-001", "Rôles", Criticality.BLOQUANTE, queries=("site_role",))
def test_roles(witness, campaign):
    with campaign.session(campaign.active_site) as session:
        role = session.query("site_role")
    witness.expect_equal(role.scalar(), "ACTIF", role.request)
"""


BREAKING = """
import os
from pathlib import Path
from threading import Event
from nonreg.baseline import governance_dir
from nonreg.drills.operator import OperatorStep, ask, close, wait_confirmed
from nonreg.drills.register import INJECTED, new_entry_id, open_register
from nonreg.faults import make_planned
from nonreg.model import DrillRecord
from nonreg.people import load_people
from nonreg.probes.units import read_unit
from nonreg.store import dump_json, write_file

def break_it(campaign, witness, scenario_id):
    (planned,) = [one for one in campaign.plan.drills if one.scenario_id == scenario_id]
    register, entry_id = open_register(campaign.platform), new_entry_id()
    made = make_planned(campaign.platform, planned.faults[0], f"nonreg-{entry_id}")
    entry = register.add(campaign.plan.run_id, scenario_id, planned.faults[0], made.prepare(), entry_id)
    made.inject(entry.before)
    register.mark(entry, INJECTED)
    with campaign.shell(campaign.passive_site) as shell:
        state = shell.run("service_state", service="client")
    witness.expect(not read_unit(state).is_running, state.request, "client arrêté", "client en marche")
    folder = campaign.run_dir / "drills"
    folder.mkdir(exist_ok=True)
    from datetime import UTC, datetime
    record = DrillRecord(scenario_id, datetime.now(UTC), 1.0)
    write_file(folder / f"{scenario_id}.json", dump_json(DrillRecord, record))

def declare(scenario_id, title, stage=DrillStage.SECOURS):
    return scenario(scenario_id, title, Criticality.MAJEURE, Effect.DISRUPTIVE, timeout_seconds=60,
                    drill=Drill(stage, (STOP,)))
"""
BODIES = """
@declare("HD-921", "Laisse sa panne, et échoue")
def test_left(witness, campaign):
    break_it(campaign, witness, "HD-921")
    witness.expect(False, "essai", "vrai", "faux")

@declare("HD-922", "Meurt en pleine panne")
def test_dies(witness, campaign):
    break_it(campaign, witness, "HD-922")
    os._exit(9)

@declare("HD-923", "Reste en pleine panne")
def test_stays(witness, campaign):
    break_it(campaign, witness, "HD-923")
    Event().wait(50)

@declare("HD-924", "Casse ce que personne n'a inscrit")
def test_unregistered(witness, campaign):
    with campaign.shell(campaign.passive_site) as shell:
        shell.run("service_stop", service="client").require()
    witness.expect(True, "essai", "vrai", "vrai")

@declare("HD-925", "Demande quelque chose à une personne")
def test_asks(witness, campaign):
    step = OperatorStep.new(campaign.plan.run_id, "HD-925", "1", "Débranchez, puis confirmez.", 50)
    ask(campaign.platform, step)
    people = load_people(governance_dir(campaign.platform.governance), campaign.platform.identity_token)
    confirmed = wait_confirmed(campaign.platform, people, step, 50)
    close(campaign.platform, step)
    witness.expect_equal(confirmed.person, "renfort-technique-essai", step.id)

@declare("HD-926", "N'injecte rien")
def test_nothing(witness, drill):
    witness.expect(True, "essai", "vrai", "vrai")

@scenario("HD-910", "Échoue d'abord, puis regarde le client du passif", Criticality.MAJEURE)
def test_flaky(witness, campaign):
    mark = campaign.run_dir / "essai"
    first = not mark.exists()
    mark.touch()
    with campaign.shell(campaign.passive_site) as shell:
        state = shell.run("service_state", service="client")
    witness.expect(read_unit(state).is_running and not first, state.request, "client en marche", "autre chose")

@scenario("HD-002", "Client du passif en marche", Criticality.MAJEURE)
def test_client(witness, campaign):
    with campaign.shell(campaign.passive_site) as shell:
        state = shell.run("service_state", service="client")
    witness.attach("état", state.stdout)
    witness.expect(read_unit(state).is_running, state.request, "client en marche", "client arrêté")
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


@dataclass(frozen=True, slots=True)
class Ground:
    """A running platform, a catalog of drills, and campaigns of them."""

    layout: Layout
    folder: Path
    scenarios: tuple[Scenario, ...]

    @property
    def platform(self) -> Platform:
        return load_platform(str(self.layout.platform_file))

    def approve(self, file: Path, select: str) -> Path:
        plan = draft(
            self.layout.platform_file, self.platform, self.scenarios, self.folder, select=select, ticket=""
        )
        return sign_approval(file, self.platform, plan, str(self.layout.identities_dir / "titulaire-essai"))

    def drill(self, tmp_path: Path, select: str, **options: object) -> CampaignReport:
        drills = str(self.approve(tmp_path / "autorisation.json", select))
        return self.run(tmp_path / "passage", select, drills=drills, **options)

    def run(self, run_dir: Path, select: str, **options: object) -> CampaignReport:
        file, folder = self.layout.platform_file, str(self.folder)
        known = {"catalog": self.scenarios, **options}
        return run_campaign(file, run_dir, "hd", select, folder, **known)  # type: ignore[arg-type]

    def open_passive(self) -> AbstractContextManager[Shell]:
        return open_shell(self.platform, self.platform.site(SiteRole.PASSIF).host)

    def client_runs(self) -> bool:
        with self.open_passive() as shell:
            return read_unit(shell.run("service_state", service="client")).is_running

    def start_client(self) -> None:
        with self.open_passive() as shell:
            shell.run("service_start", 30.0, service="client").require()

    def put_back(self) -> None:
        """Whatever a test left."""
        register = open_register(self.platform)
        for entry in register.pending():
            register.mark(entry, HEALED)
        self.start_client()
