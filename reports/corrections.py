"""A.11, journal des corrections: tickets closed in a period, and what the ledger knows of it."""

from __future__ import annotations

from datetime import datetime

from nonreg.model.documents import CorrectionLog
from reports import text
from reports.document import Cell, Document, Pairs, Paragraph, Section, shorten_on_paper
from reports.document_words import ROWS_ON_PAPER, describe_head, say, tabulate

TITLE = "Journal des corrections (A.11)"


def build_corrections(log: CorrectionLog, at: datetime) -> Document:
    """Return the journal."""
    period = f"du {say(log.first)} au {say(log.last)}"
    corrections = tabulate(
        "Corrections de la période",
        log.corrections,
        (
            ("ticket", "Ticket", 10),
            ("title", "Titre", 28),
            ("kind", "Type", 13),
            ("closed_on", "Fermé le", 13),
            ("version", "Version", 10),
            ("correction", "Correction apportée", 26),
        ),
        "Aucun ticket n'a été fermé dans la période, à la connaissance de l'outil.",
    )
    events = tabulate(
        "Clôtures, promotions, livraisons et déploiements",
        log.events,
        (
            ("on", "Le", 14),
            ("event", "Événement", 60),
            ("ticket", "Ticket", 12),
            ("line", "Registre, ligne", 14),
        ),
        "Le registre n'en connaît aucun dans la période.",
    )
    return Document(
        title=TITLE,
        status="",
        subject=f"{period}, plateforme {log.document.platform}",
        run_id=log.document.id,
        generated=text.format_moment(at),
        alerts=(),
        verdict=Cell(
            f"{text.plural(len(log.corrections), 'correction', 'corrections')}, "
            f"{text.plural(len(log.events), 'événement', 'événements')}",
            "▶",
            "info",
        ),
        conclusion=f"Période {period}, premier et dernier jour compris.",
        reasons=(),
        sections=(
            Section(
                "metadonnees", "1. Métadonnées", (Pairs(describe_head(log.document, ("Période", period))),)
            ),
            Section("synthese", "2. Synthèse", (Paragraph(say(log.summary)),)),
            Section(
                "corrections",
                "3. Corrections",
                (shorten_on_paper(corrections, ROWS_ON_PAPER, "voir la page HTML"),),
            ),
            Section(
                "evenements", "4. Événements", (shorten_on_paper(events, ROWS_ON_PAPER, "voir la page HTML"),)
            ),
        ),
        verdict_label="Journal",
        run_label="Document",
        generated_label="journal établi le",
    )
