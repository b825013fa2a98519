"""The handover plan (« plan de passation »): what is under way, what comes, who does what during the absence (R38)."""

from __future__ import annotations

from nonreg.model.briefing import HandoverPlan
from nonreg.model.handover import Execution
from reports import text
from reports.briefing_tables import (
    list_deadlines,
    list_duties,
    list_families,
    list_missing,
    list_running,
    list_ticket_heads,
    show_facts,
)
from reports.document import Block, Cell, Document, Items, Paragraph, Section
from reports.runbook_words import REHEARSAL
from reports.visas import leave_visas

PLAYED = "RÉPÉTITION : ce plan est joué, il ne confie rien à personne."


def build_handover_plan(plan: HandoverPlan, execution: Execution) -> Document:
    """Return the plan."""
    plan = text.make_printable(plan)
    briefing = plan.briefing
    schedule: Block = (
        show_facts(plan.schedule)
        if plan.schedule
        else Paragraph("Planification : n.d. (prefect.yaml absent).")
    )
    return Document(
        title="Plan de passation",
        status=REHEARSAL if execution.rehearsal else "Projet, à relire à deux",
        subject=f"ticket {execution.ticket}, plateforme {briefing.platform}, pour {text.known(execution.subject)}",
        run_id=execution.id,
        generated=text.format_moment(briefing.at),
        alerts=(Paragraph(PLAYED, "warn", "!"),) if execution.rehearsal else (),
        verdict=Cell("à relire avec le renfort avant l'absence", "!", "warn"),
        conclusion="Ticket par ticket, de vive voix. Ce qui n'y est pas ne sera pas fait.",
        reasons=(
            f"{text.plural(len(briefing.tickets), 'ticket', 'tickets')}, "
            f"{text.plural(len(briefing.running), 'exécution en cours', 'exécutions en cours')}, "
            f"{text.plural(len(plan.risks), 'risque', 'risques')}.",
        ),
        sections=(
            Section("periode", "1. Période", (show_facts(plan.period),)),
            Section("qui", "2. Qui fait quoi", (show_facts(plan.roles),)),
            Section("cadrage", "3. Cadrage", (show_facts(plan.framing),)),
            Section("tickets", "4. Tickets", (list_ticket_heads(briefing.tickets),)),
            Section("executions", "5. Exécutions en cours", (list_running(briefing.running),)),
            Section("campagnes", "6. Dernières campagnes", (list_families(briefing.families),)),
            Section(
                "risques",
                "7. Risques",
                (
                    Items(
                        "Relevés par l'outil", plan.risks, empty="Aucun risque relevé dans ce qui a été lu."
                    ),
                    list_missing(briefing.missing),
                ),
            ),
            Section(
                "dates", "8. Prochaines dates", (list_deadlines(briefing.deadlines, briefing.at), schedule)
            ),
            Section("permanence", "9. Permanence", (list_duties(briefing.duties, briefing.at),)),
            leave_visas(),
        ),
        verdict_label="Plan",
        generated_label="plan établi le",
    )
