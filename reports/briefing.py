"""The briefing pack (« dossier de reprise »): what a renfort needs to take tickets over, and what is not known."""

from __future__ import annotations

from collections.abc import Sequence

from nonreg.model.briefing import Briefing, TicketView
from nonreg.model.handover import Execution
from reports import text
from reports.briefing_tables import (
    describe_hd,
    list_deadlines,
    list_duties,
    list_families,
    list_missing,
    list_runbooks,
    list_running,
    list_ticket_events,
    list_ticket_heads,
    list_waivers,
    show_facts,
)
from reports.document import Cell, Document, Paragraph, Section
from reports.runbook_words import REHEARSAL

PLAYED = "RÉPÉTITION : dossier rassemblé pour une exécution qui n'est que jouée."


def build_briefing(briefing: Briefing, execution: Execution, at_risk: int) -> Document:
    """Return the pack; `at_risk` counts the risks that the handover plan tells."""
    briefing = text.make_printable(briefing)
    missing = len(briefing.missing)
    return Document(
        title="Dossier de reprise",
        status=REHEARSAL if execution.rehearsal else "Pour le renfort",
        subject=f"ticket {execution.ticket}, plateforme {briefing.platform}, pour {text.known(execution.subject)}",
        run_id=execution.id,
        generated=text.format_moment(briefing.at),
        alerts=(Paragraph(PLAYED, "warn", "!"),) if execution.rehearsal else (),
        verdict=Cell("incomplet : des sources manquent", "!", "warn")
        if missing
        else Cell("complet", "✓", "ok"),
        conclusion=f"{text.plural(len(briefing.tickets), 'ticket connu', 'tickets connus')}, "
        f"{text.plural(len(briefing.running), 'exécution en cours', 'exécutions en cours')}, "
        f"{text.plural(at_risk, 'risque relevé', 'risques relevés')}.",
        reasons=(
            f"Version de l'application : {text.known(briefing.application_version)}.",
            "À lire en entier avant l'étape « Remise à niveau » ; ce qui manque est dit au § 1, rien n'est supposé.",
        ),
        sections=(
            Section("manque", "1. Ce qui manque", (list_missing(briefing.missing),)),
            *describe_tickets(briefing.tickets, 2),
            Section("campagnes", "3. Dernières campagnes", (list_families(briefing.families),)),
            Section("hd", "4. État de la réplication", describe_hd(briefing.hd)),
            Section("derogations", "5. Dérogations", (list_waivers(briefing.waivers, briefing.at),)),
            Section("echeances", "6. Échéances", (list_deadlines(briefing.deadlines, briefing.at),)),
            Section("executions", "7. Exécutions en cours", (list_running(briefing.running),)),
            Section("runbooks", "8. Dossier d'urgence et runbooks", (list_runbooks(briefing.runbooks),)),
            Section(
                "contacts",
                "9. Contacts",
                (show_facts(briefing.contacts), list_duties(briefing.duties, briefing.at)),
            ),
        ),
        verdict_label="Dossier",
        generated_label="dossier rassemblé le",
    )


def describe_tickets(tickets: Sequence[TicketView], number: int) -> tuple[Section, ...]:
    """Return the tickets under one head, then each with its last events."""
    return (
        Section("tickets", f"{number}. Tickets", (list_ticket_heads(tickets),)),
        *(
            Section(f"ticket-{place}", f"{number}.{place} {one.reference}", (list_ticket_events(one),), 2)
            for place, one in enumerate(tickets, 1)
        ),
    )


def build_ticket_history(briefing: Briefing, execution: Execution) -> Document:
    """Return the history of tickets alone, as somebody acknowledges that they read it."""
    briefing = text.make_printable(briefing)
    return Document(
        title="Historique des tickets",
        status=REHEARSAL if execution.rehearsal else "Pour le renfort",
        subject=f"plateforme {briefing.platform}, pour {text.known(execution.subject)}",
        run_id=execution.id,
        generated=text.format_moment(briefing.at),
        alerts=(),
        verdict=Cell(text.plural(len(briefing.tickets), "ticket connu", "tickets connus"), "▶", "info"),
        conclusion="Tel qu'il était quand sa lecture a été confirmée.",
        reasons=(),
        sections=describe_tickets(briefing.tickets, 1),
        verdict_label="Contenu",
        generated_label="historique rassemblé le",
    )
