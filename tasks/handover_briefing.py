"""« dossier_de_reprise » and « plan_de_passation »: gathered anew each time, with what could not be."""

from __future__ import annotations

from datetime import UTC, datetime

from nonreg.handover.activation import load_table
from nonreg.handover.briefing import list_risks
from nonreg.handover.checks import CheckResult, Point
from nonreg.handover.plan import make_plan
from nonreg.model.briefing import Briefing
from nonreg.model.handover import Execution, Step
from nonreg.wording import plural
from reports.briefing import build_briefing
from reports.handover_plan import build_handover_plan
from tasks.handover_production import Production, render
from tasks.handover_sources import Gathering, read_schedule
from tasks.handover_work import Work


def prepare_briefing(work: Work, execution: Execution, step: Step) -> Production:
    """The briefing pack; a source that is missing is told in it, and holds nothing up."""
    at, table = datetime.now(UTC), load_table()
    briefing = Gathering(work, execution, table, at).gather()
    risks = list_risks(briefing, table.briefing.soon_days)
    document = build_briefing(briefing, execution, len(risks))
    return Production(
        CheckResult(tell_points(briefing)),
        render(step, "dossier-de-reprise", "Dossier de reprise", document, at),
    )


def prepare_plan(work: Work, execution: Execution, step: Step) -> Production:
    """The handover plan."""
    at, table = datetime.now(UTC), load_table()
    briefing = Gathering(work, execution, table, at).gather()
    plan = make_plan(execution, briefing, read_schedule(), table.briefing.soon_days)
    points = (
        *tell_points(briefing),
        Point("Risques", True, plural(len(plan.risks), "risque relevé", "risques relevés")),
        Point("Planification", True, plural(len(plan.schedule), "départ prévu", "départs prévus")),
    )
    document = build_handover_plan(plan, execution)
    return Production(
        CheckResult(points), render(step, "plan-de-passation", "Plan de passation", document, at)
    )


def tell_points(briefing: Briefing) -> tuple[Point, ...]:
    """What was gathered, and each source that was not."""
    counts = (
        ("Tickets", len(briefing.tickets), "ticket", "tickets"),
        ("Campagnes", len(briefing.families), "famille jugée", "familles jugées"),
        ("Dérogations", len(briefing.waivers), "dérogation", "dérogations"),
        ("Échéances", len(briefing.deadlines), "échéance", "échéances"),
        ("Exécutions en cours", len(briefing.running), "exécution", "exécutions"),
        ("Runbooks", len(briefing.runbooks), "runbook", "runbooks"),
        ("Contrôles HD", len(briefing.hd.checks) if briefing.hd else 0, "contrôle", "contrôles"),
    )
    return (
        *(Point(title, True, plural(count, one, many)) for title, count, one, many in counts),
        *(Point("Manque, dit dans le document", True, one) for one in briefing.missing),
    )
