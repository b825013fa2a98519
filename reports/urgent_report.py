"""A.3, rapport d'intervention urgente: five time stamps, and the delays between them in office time."""

from __future__ import annotations

from datetime import datetime

from nonreg.model.documents import Stamp, UrgentDelays, UrgentReport
from reports import text
from reports.document import Cell, Column, Document, Pairs, Paragraph, Section, Table
from reports.document_words import describe_head, list_paragraphs, say, show, tabulate

TITLE = "Rapport d'intervention urgente (A.3)"
STAMPS = (
    ("alert", "Alerte"),
    ("phone_call", "Appel téléphonique"),
    ("taken", "Prise en charge"),
    ("diagnosed", "Diagnostic"),
    ("restored", "Rétabli"),
    ("closed", "Clôture"),
)
RULE = (
    "Limite : 1 jour ouvré entre la réception et le début réel du diagnostic, premier retour compris ; la même heure, "
    "le jour ouvré suivant. L'urgence se signale par le ticket et par un appel téléphonique."
)


def build_urgent_report(report: UrgentReport, delays: UrgentDelays, at: datetime) -> Document:
    """Return the report; `delays` are judged at that moment."""
    return Document(
        title=TITLE,
        status="",
        subject=f"{say(report.subject, 120)}, ticket {report.document.ticket}, plateforme {report.document.platform}",
        run_id=report.document.id,
        generated=text.format_moment(at),
        alerts=tuple(Paragraph(f"Horodatages incohérents : {one}", "ko", "✗") for one in delays.disorder),
        verdict=find_verdict(delays),
        conclusion="Limite : 1 jour ouvré entre l'alerte et le diagnostic (§ 3).",
        reasons=(),
        sections=(
            Section(
                "metadonnees",
                "1. Métadonnées",
                (Pairs(describe_head(report.document, ("Objet", say(report.subject)))),),
            ),
            Section("horodatages", "2. Horodatages", (_list_stamps(report),)),
            Section("delais", "3. Délais", (_list_laps(delays), Paragraph(RULE))),
            Section(
                "intervention",
                "4. Intervention",
                list_paragraphs(report, "symptoms", "cause", "work", "consequences"),
            ),
            Section(
                "suites",
                "5. Suites",
                (
                    tabulate(
                        "Suites",
                        report.actions,
                        (
                            ("action", "Action", 44),
                            ("owner", "Responsable", 18),
                            ("due", "Échéance", 14),
                            ("ticket", "Ticket", 10),
                            ("done_on", "Faite le", 14),
                        ),
                        "Aucune suite n'est inscrite.",
                    ),
                ),
            ),
        ),
        verdict_label="Délai d'intervention",
        run_label="Document",
        generated_label="rapport établi le",
    )


def find_verdict(delays: UrgentDelays) -> Cell:
    """Kept, exceeded, running, or not known; never good by omission."""
    if delays.due is None:
        return Cell("n.d. : l'alerte n'est pas horodatée", "!", "warn")
    until = text.format_day(delays.due)
    if delays.reached_at is None and delays.is_over:
        return Cell(f"n.d. : limite passée le {until}, diagnostic non horodaté", "!", "warn")
    if delays.is_over:
        return Cell(f"dépassé (limite le {until})", "✗", "ko")
    if delays.reached_at is None:
        return Cell(f"en cours, à tenir avant le {until}", "!", "warn")
    return Cell(f"tenu (limite le {until})", "✓", "ok")


def _list_stamps(report: UrgentReport) -> Table:
    columns = (Column("Étape", 26), Column("Instant", 40), Column("Source", 34))
    rows = []
    for name, label in STAMPS:
        stamp: Stamp = getattr(report, name)
        rows.append((Cell(label), show(stamp.at), show(stamp.source, optional=True)))
    return Table("Horodatages de l'intervention", columns, tuple(rows))


def _list_laps(delays: UrgentDelays) -> Table:
    columns = (Column("Intervalle", 60), Column("Temps ouvré", 40))
    rows = tuple(
        (Cell(one.title), Cell(text.NOT_KNOWN if one.seconds is None else text.format_duration(one.seconds)))
        for one in delays.laps
    )
    note = f"Limite du diagnostic : {text.format_moment(delays.due)}." if delays.due else ""
    return Table("Temps ouvré entre les étapes (h:min:s d'ouverture)", columns, rows, note=note)
