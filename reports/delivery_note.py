"""A.1, note de livraison, and the conditions without which it is not ready to be deployed."""

from __future__ import annotations

from datetime import datetime

from nonreg.model.documents import DeliveryFacts, DeliveryNote, GateItem, ProcedureFact
from reports import labels, text
from reports.document import (
    Block,
    Cell,
    Column,
    Document,
    Listing,
    Pairs,
    Paragraph,
    Section,
    Span,
    Table,
    shorten_on_paper,
)
from reports.document_words import (
    ROWS_ON_PAPER,
    TO_FILL,
    describe_head,
    list_pairs,
    list_paragraphs,
    say,
    tabulate,
)

TITLE = "Note de livraison (A.1)"


def build_delivery_note(
    note: DeliveryNote, facts: DeliveryFacts, gate: tuple[GateItem, ...], at: datetime
) -> Document:
    """Return the note; `gate` are the conditions, judged."""
    missing = [one for one in gate if one.missing]
    ready = not missing
    return Document(
        title=TITLE,
        status="",
        subject=f"version {say(note.version, 60)}, ticket {note.document.ticket}, plateforme {note.document.platform}",
        run_id=note.document.id,
        generated=text.format_moment(at),
        alerts=(),
        verdict=Cell("Prête à déployer", "✓", "ok") if ready else Cell("Non prête à déployer", "✗", "ko"),
        conclusion=_conclude(gate, len(missing)),
        reasons=tuple(f"{one.title} : {one.missing}" for one in missing),
        sections=(
            _describe(note),
            Section("resume", "2. Résumé", list_paragraphs(note, "goal", "impact", "risks")),
            Section(
                "contenu",
                "3. Contenu",
                (
                    tabulate(
                        "Ce qui est livré",
                        note.contents,
                        (
                            ("ticket", "Ticket", 12),
                            ("kind", "Type", 15),
                            ("description", "Description", 48),
                            ("components", "Composants", 25),
                        ),
                        TO_FILL,
                    ),
                ),
            ),
            _list_files(facts),
            _plan(note, facts),
            _roll_back(note, facts),
            _test(note, facts),
            Section("surveillance", "8. Surveillance après le déploiement", (Paragraph(say(note.watch)),)),
            _document(note),
            _list_gate(gate),
        ),
        verdict_label="Livraison",
        run_label="Document",
        generated_label="note établie le",
    )


def _describe(note: DeliveryNote) -> Section:
    items = (
        *describe_head(note.document),
        *list_pairs(note, "market", "delivery", "version", "nature", "tickets", "targets", "prerequisites"),
    )
    return Section("metadonnees", "1. Métadonnées", (Pairs(items),))


def _list_files(facts: DeliveryFacts) -> Section:
    columns = (Column("Fichier", 34), Column("Octets", 13, numeric=True), Column("SHA-256", 53, mono=True))
    rows = tuple(
        (Cell(one.path), Cell(text.format_number(one.size_bytes)), Cell(one.sha256)) for one in facts.files
    )
    problem = facts.files_problem
    empty = problem[:1].upper() + problem[1:] or "Aucun fichier."
    table = Table("Scripts, paquets et documents livrés", columns, rows, empty=empty)
    shown = shorten_on_paper(table, ROWS_ON_PAPER, "voir la page HTML")
    return Section("fichiers", "4. Fichiers livrés et empreintes", (shown,))


def _list_steps(steps: tuple[str, ...]) -> Block:
    told = tuple((Span(say(one)),) for one in steps if one.strip())
    return Listing(told, start=1) if told else Paragraph(TO_FILL)


def _plan(note: DeliveryNote, facts: DeliveryFacts) -> Section:
    return Section(
        "deploiement",
        "5. Plan de déploiement",
        (_list_procedures(facts.install, facts.deploy), _list_steps(note.deployment)),
    )


def _roll_back(note: DeliveryNote, facts: DeliveryFacts) -> Section:
    back = note.rollback
    return Section(
        "retour",
        "6. Retour arrière",
        (
            _list_procedures(facts.rollback),
            *list_paragraphs(back, "conditions"),
            _list_steps(back.steps),
            *list_paragraphs(back, "checks"),
        ),
    )


def _list_procedures(*procedures: ProcedureFact) -> Table:
    columns = (Column("Procédure", 32), Column("Version", 10), Column("SHA-256 du runbook", 46, mono=True))
    rows = tuple(
        (
            Cell(f"{one.title or one.runbook} ({one.runbook})"),
            Cell(text.known(one.version)),
            Cell(text.known(one.sha256)),
        )
        for one in procedures
    )
    return Table("Procédures du dossier d'urgence", columns, rows)


def _test(note: DeliveryNote, facts: DeliveryFacts) -> Section:
    run, decision = facts.run, note.decision
    joined = "oui" if run.run_id and not run.problem else "non"
    items = (
        ("Rapport A.2 joint", joined),
        ("Passage", say(run.run_id)),
        ("Version testée", text.known(run.version)),
        ("Verdict", labels.VERDICTS[run.verdict].text if run.verdict else text.NOT_KNOWN),
        ("Commencé le", text.format_moment(run.started_at) if run.started_at else text.NOT_KNOWN),
        *list_pairs(note.tests, "high_availability", "acceptance"),
        ("Go / No-Go", text.known(decision.answer.upper())),
        ("Par", text.known(decision.person)),
        ("Le", say(decision.on) if decision.on else text.NOT_KNOWN),
    )
    wide = (("SHA-256 du rapport", text.known(run.report_sha256)),)
    return Section("tests", "7. Tests", (Pairs(items, wide),))


def _document(note: DeliveryNote) -> Section:
    if note.no_impact_because.strip() and not note.documents:
        said: Block = Paragraph(f"Aucun document n'est concerné : {say(note.no_impact_because)}")
    else:
        named = tuple((Span(say(one)),) for one in note.documents if one.strip())
        said = Listing(named) if named else Paragraph(TO_FILL)
    return Section("documentation", "9. Documentation", (said,))


def _list_gate(gate: tuple[GateItem, ...]) -> Section:
    columns = (
        Column("Condition", 26),
        Column("État", 14),
        Column("Constaté", 30),
        Column("Ce qui manque", 30),
    )
    rows = tuple(
        (
            Cell(one.title),
            _say_state(one),
            Cell(say(one.found)),
            Cell(say(one.missing) if one.missing else "—"),
        )
        for one in gate
    )
    rule = (
        "Une livraison sans rapport de tests, procédure d'installation, retour arrière, empreintes, ticket et "
        "documentation à jour n'est pas prête à être déployée."
    )
    return Section(
        "conditions", "10. Conditions de déploiement", (Table("Conditions", columns, rows), Paragraph(rule))
    )


def _say_state(item: GateItem) -> Cell:
    """Met, missing, or to come: a tick would say that somebody had answered."""
    if item.missing:
        return Cell("manque", "✗", "ko")
    return Cell("attendue", "…", "muted") if item.awaited else Cell("remplie", "✓", "ok")


def _conclude(gate: tuple[GateItem, ...], missing: int) -> str:
    if missing:
        return f"{text.plural(missing, 'condition manque', 'conditions manquent')} (§ 10)."
    if awaited := [one.title for one in gate if one.awaited]:
        return f"Rien ne manque au § 10 ; {', '.join(awaited)} : réponse attendue."
    return "Toutes les conditions du § 10 sont remplies."
