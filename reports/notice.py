"""The notice to the SCV as a page: a draft that the titulaire reads again and sends; no other sender can be written."""

from __future__ import annotations

from datetime import datetime

from nonreg.model.briefing import Fact, Notice
from nonreg.model.handover import Execution
from reports import text
from reports.document import Cell, Document, Items, Pairs, Paragraph, Section
from reports.runbook_words import REHEARSAL

SENDER = "le titulaire du marché"  # R01: the only one
ADDRESSEE = "le SCV (MOA)"
PLAYED = "RÉPÉTITION : cet avis est joué, il ne s'envoie pas."


def build_notice(notice: Notice, execution: Execution, at: datetime) -> Document:
    """Return the page of a notice."""
    notice = text.make_printable(notice)
    return Document(
        title=notice.title,
        status=REHEARSAL if execution.rehearsal else "Projet d'avis",
        subject=f"ticket {execution.ticket}, plateforme {execution.platform}",
        run_id=execution.id,
        generated=text.format_moment(at),
        alerts=(Paragraph(PLAYED, "warn", "!"),) if execution.rehearsal else (),
        verdict=Cell("préparé, à relire et à envoyer par le titulaire", "!", "warn"),
        conclusion="L'outil n'envoie rien : l'avis part du titulaire, l'instant d'envoi s'inscrit à l'étape suivante.",
        reasons=("À relire : ni nom de personne, ni numéro, ni détail de santé ou de vie privée.",),
        sections=(
            Section("avis", "1. Avis", (Pairs(show_facts(list_head(notice))),)),
            Section("change", "2. Ce qui change pour le SCV", (Items("", notice.changes),)),
            Section("ne-change-pas", "3. Ce qui ne change pas", (Items("", notice.unchanged),)),
        ),
        verdict_label="Avis",
        generated_label="avis préparé le",
    )


def list_head(notice: Notice) -> tuple[Fact, ...]:
    """Who to whom, why and when."""
    return (
        Fact("De", SENDER),
        Fact("À", ADDRESSEE),
        Fact("Motif", notice.reason),
        *notice.dates,
        Fact("Interlocuteur unique", SENDER),
        Fact("Canal", notice.channel),
    )


def show_facts(facts: tuple[Fact, ...]) -> tuple[tuple[str, str], ...]:
    """Labels and values, n.d. where there is none."""
    return tuple((one.label, text.known(one.value)) for one in facts)
