"""A.9, relevé de décisions: what was said, decided and left open, and how its own delays stand."""

from __future__ import annotations

from datetime import datetime

from nonreg.model.documents import DecisionRecord, Happened, RecordDelays, RecordEvent, RemarkView
from reports import text
from reports.document import Cell, Column, Document, Items, Pairs, Paragraph, Section, Table
from reports.document_words import describe_head, list_pairs, say, tabulate

TITLE = "Relevé de décisions (A.9)"
EVENTS = {
    RecordEvent.SENT: "Envoyé par le titulaire",
    RecordEvent.REMARKS: "Remarques reçues",
    RecordEvent.INTEGRATED: "Remarques intégrées",
}
RULE = (
    "Envoi au plus tard 5 jours ouvrés après la réunion ; remarques dans les 5 jours ouvrés qui suivent l'envoi, sans "
    "remarque le relevé est validé par défaut ; intégration des remarques sous 24 h, lues à l'horloge (le CCAP ne les "
    "dit pas ouvrées), en jour ouvré (même heure du jour ouvré suivant) et en heures d'ouverture."
)


def build_decision_record(
    record: DecisionRecord, delays: RecordDelays | None, events: tuple[Happened, ...], at: datetime
) -> Document:
    """Return the relevé; without `delays` the meeting has no date yet."""
    return Document(
        title=TITLE,
        status="",
        subject=f"{say(record.subject, 120)}, réunion du {say(record.held_on)}, ticket {record.document.ticket}",
        run_id=record.document.id,
        generated=text.format_moment(at),
        alerts=_list_alerts(delays),
        verdict=find_verdict(delays),
        conclusion=f"{text.plural(len(record.decisions), 'décision', 'décisions')}, "
        f"{text.plural(len(record.actions), 'action', 'actions')}, "
        f"{text.plural(len(record.questions), 'question en suspens', 'questions en suspens')}.",
        reasons=(),
        sections=(
            Section(
                "metadonnees",
                "1. Métadonnées",
                (
                    Pairs(
                        (
                            *describe_head(record.document),
                            *list_pairs(record, "held_on", "duration", "format", "subject"),
                        )
                    ),
                    Items("Participants", _list(record.participants), empty=say(())),
                    Items("Références", _list(record.references), empty=say(())),
                ),
            ),
            Section(
                "synthese",
                "2. Synthèse et alertes",
                (
                    Paragraph(say(record.summary)),
                    Items("Alertes", _list(record.alerts), empty="Aucune alerte."),
                ),
            ),
            Section("decisions", "3. Décisions", (_list_decisions(record),)),
            Section("actions", "4. Actions", (_list_actions(record),)),
            Section(
                "suspens",
                "5. Questions en suspens et conditions de mise en œuvre",
                (
                    _list_questions(record),
                    Items("Conditions de mise en œuvre", _list(record.conditions), empty=say(())),
                ),
            ),
            Section(
                "suivi",
                "6. Envoi, remarques et validation tacite",
                (*_follow(delays, events), Paragraph(RULE)),
            ),
        ),
        verdict_label="Suivi",
        run_label="Document",
        generated_label="relevé établi le",
    )


def find_verdict(delays: RecordDelays | None) -> Cell:
    """Where it stands after the meeting."""
    if delays is None:
        return Cell("n.d. : la réunion n'a pas de date", "!", "warn")
    if delays.sent_at is None:
        if delays.is_sent_late:
            return Cell(f"non envoyé, en retard depuis le {delays.send_by:%d/%m/%Y}", "✗", "ko")
        return Cell(f"à envoyer au plus tard le {delays.send_by:%d/%m/%Y}", "!", "warn")
    waiting = [one for one in delays.remarks if one.integrated_at is None]
    if waiting:
        by_clock, by_days = (
            text.format_day(min(getattr(one, name) for one in waiting)) for name in ("by_clock", "by_days")
        )
        if any(one.over_by_days for one in waiting):
            return Cell(f"remarques à intégrer avant le {by_days}, en retard", "✗", "ko")
        if any(one.over_by_clock for one in waiting):
            return Cell(f"remarques à intégrer, 24 h passées, avant le {by_days} en jour ouvré", "!", "warn")
        return Cell(f"remarques à intégrer avant le {by_clock}", "!", "warn")
    if delays.tacit:
        return Cell(f"validé par défaut, sans remarque au {delays.remarks_by:%d/%m/%Y}", "✓", "ok")
    if any(not one.is_late for one in delays.remarks):
        return Cell("remarques intégrées", "✓", "ok")
    return Cell(f"envoyé, remarques attendues jusqu'au {delays.remarks_by:%d/%m/%Y}", "▶", "info")


def _list_alerts(delays: RecordDelays | None) -> tuple[Paragraph, ...]:
    if delays is None:
        return ()
    said = []
    if delays.is_sent_late and delays.sent_at is not None:
        words = f"le {text.format_day(delays.sent_at)}, limite le {delays.send_by:%d/%m/%Y}"
        said.append(Paragraph(f"Envoyé en retard : {words}.", "ko", "✗"))
    for one in delays.remarks:
        if one.over_by_clock:
            look = ("ko", "✗") if one.over_by_days else ("warn", "!")
            words = f"intégration hors des 24 h {_list_readings(one)}"
            said.append(Paragraph(f"Remarques du {text.format_day(one.received_at)} : {words}.", *look))
    return tuple(said)


def _list_readings(remark: RemarkView) -> str:
    """Those that are exceeded, and those that are not: the clock first, which is the strictest."""
    more = (("en jour ouvré", remark.over_by_days), ("en heures d'ouverture", remark.over_by_hours))
    over = ["à l'horloge", *(words for words, is_over in more if is_over)]
    kept = [f"pas {words}" for words, is_over in more if not is_over]
    return ", ".join(over) + (f" ({', '.join(kept)})" if kept else "")


def _list(items: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(say(one) for one in items if one.strip())


def _list_decisions(record: DecisionRecord) -> Table:
    columns = (
        ("decision", "Décision", 38),
        ("context", "Contexte", 32),
        ("validator", "Responsable de la validation", 17),
        ("due", "Échéance", 13),
    )
    return tabulate("Décisions", record.decisions, columns, "Aucune décision.")


def _list_actions(record: DecisionRecord) -> Table:
    columns = (
        ("action", "Action", 44),
        ("owner", "Responsable", 18),
        ("due", "Échéance", 14),
        ("ticket", "Ticket", 10),
        ("done_on", "Faite le", 14),
    )
    return tabulate("Actions", record.actions, columns, "Aucune action.")


def _list_questions(record: DecisionRecord) -> Table:
    columns = (("question", "Question", 62), ("owner", "Responsable", 22), ("due", "Échéance", 16))
    return tabulate("Questions en suspens", record.questions, columns, "Aucune question en suspens.")


def _follow(delays: RecordDelays | None, events: tuple[Happened, ...]) -> tuple[Pairs | Table, ...]:
    if delays is None:
        return ()
    sent = text.format_moment(delays.sent_at) if delays.sent_at else "pas encore"
    until = f"{delays.remarks_by:%d/%m/%Y}" if delays.remarks_by else "5 jours ouvrés après l'envoi"
    in_time = any(not one.is_late for one in delays.remarks)
    tacit = f"acquise à l'issue du {until}" if delays.tacit else f"à l'issue du {until}, sans remarque"
    if delays.remarks_by is None:
        tacit = until
    elif in_time:
        tacit = "écartée, des remarques ont été reçues"
    pairs = Pairs(
        (
            ("À envoyer avant", f"fin du {delays.send_by:%d/%m/%Y}"),
            ("Envoyé le", f"{sent}{' (en retard)' if delays.is_sent_late and delays.sent_at else ''}"),
            ("Remarques jusqu'à", until if delays.remarks_by is None else f"fin du {until}"),
            ("Validation tacite", tacit),
        )
    )
    columns = (
        Column("Remarques reçues le", 18),
        Column("À intégrer avant (24 h d'horloge)", 17),
        Column("À intégrer avant (jour ouvré)", 17),
        Column("À intégrer avant (heures d'ouverture)", 17),
        Column("Intégrées le", 16),
        Column("Délai", 15),
    )
    rows = tuple(
        (
            Cell(text.format_day(one.received_at) + (" (hors délai)" if one.is_late else "")),
            Cell(text.format_day(one.by_clock)),
            Cell(text.format_day(one.by_days)),
            Cell(text.format_day(one.by_hours)),
            Cell(text.format_day(one.integrated_at) if one.integrated_at else "pas encore"),
            _judge(one),
        )
        for one in delays.remarks
    )
    log = tuple(
        (
            Cell(EVENTS[one.event]),
            Cell(text.format_day(one.at)),
            Cell(one.person),
            show_line(one),
            Cell(one.note or "—"),
        )
        for one in events
    )
    heads = (
        Column("Événement", 26),
        Column("Le", 18),
        Column("Déclaré par", 18),
        Column("Registre", 10),
        Column("Note", 28),
    )
    return (
        pairs,
        Table("Remarques", columns, rows, empty="Aucune remarque reçue."),
        Table("Événements déclarés", heads, log, empty="Aucun événement n'est encore inscrit."),
    )


def show_line(event: Happened) -> Cell:
    """Where the ledger has it."""
    return Cell(f"ligne {event.sequence}")


def _judge(remark: RemarkView) -> Cell:
    if remark.over_by_days:
        return Cell("dépassé" if remark.over_by_hours else "dépassé en jour ouvré", "✗", "ko")
    if remark.over_by_clock:
        return Cell("dépassé à l'horloge", "!", "warn")
    return Cell("en cours", "!", "warn") if remark.integrated_at is None else Cell("tenu", "✓", "ok")
