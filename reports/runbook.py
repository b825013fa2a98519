"""A runbook for the paper binder: followed by hand when nothing else runs, filled in and initialled."""

from __future__ import annotations

import math

from nonreg.model.handover import Actor, ClockMove, Field, FieldKind, Runbook, Step
from reports import text
from reports.document import Block, Cell, Code, Column, Document, Pairs, Section, Table
from reports.prose import label_prose, parse_prose
from reports.runbook_words import ACTORS, FORMATS, KINDS, SUBJECT, describe_campaign, describe_hours

BOX = "☐"
SHA_SHOWN = 12  # characters: enough to tell two printed copies apart
FORM_ROWS = 12  # a form stays in one piece on a page
WIDE_OPTIONS = 40  # characters from which each option has its line
FORM = (Column("À remplir", 28), Column("Précision", 26), Column("Réponse", 46))


def build_binder_page(runbook: Runbook) -> Document:
    """Return the page; what the site has not told is on page 1, to be completed by hand."""
    runbook = text.make_printable(runbook)
    unknown = len(runbook.unknown)
    missing = text.plural(unknown, "renseignement du site manque", "renseignements du site manquent")
    return Document(
        title=runbook.title,
        status="Classeur papier",
        subject=f"procédure en {text.plural(len(runbook.steps), 'étape', 'étapes')}",
        run_id=f"{runbook.id}, version {text.known(runbook.version)}",
        generated=text.known(runbook.sha256[:SHA_SHOWN]),
        alerts=(),
        verdict=Cell("à compléter", "!", "warn") if unknown else Cell("complète", "✓", "ok"),
        conclusion=f"{missing} : à écrire à la main avant de s'en servir."
        if unknown
        else "Aucun renseignement du site ne manque.",
        reasons=(
            *((f"Manque : {', '.join(runbook.unknown)}.",) if unknown else ()),
            "À suivre dans l'ordre, une étape après l'autre ; chaque étape faite est datée et paraphée.",
            "Dès que l'outil est de nouveau disponible, ce qui a été fait est à y enregistrer : lui seul en tient "
            "le registre.",
        ),
        sections=(
            _describe_runbook(runbook),
            *((_list_unknown(runbook.unknown),) if unknown else ()),
            _list_steps(runbook),
            *(_describe_step(step) for step in runbook.steps),
        ),
        source_sha256=runbook.sha256,
        verdict_label="Procédure",
        run_label="Runbook",
        generated_label="empreinte",
        source_label=f"Fichier {runbook.id}.toml",
    )


def _describe_runbook(runbook: Runbook) -> Section:
    items = (
        ("Runbook", runbook.id),
        ("Version", text.known(runbook.version)),
        ("Étapes", text.format_number(len(runbook.steps))),
        ("Délai", describe_hours(runbook.delay_hours) if runbook.delay_hours else "aucun"),
    )
    wide = ((f"SHA-256 de {runbook.id}.toml", text.known(runbook.sha256)),)
    return Section("objet", "Objet", (*parse_prose(runbook.summary), Pairs(items, wide)))


def _list_unknown(unknown: tuple[str, ...]) -> Section:
    columns = (Column("Renseignement", 40), Column("Valeur", 60))
    rows = tuple((Cell(one), Cell("")) for one in unknown)
    note = "Là où une étape s'en sert, il est écrit « ‹à compléter : …› »."
    return Section(
        "inconnu",
        "Ce que le site n'a pas dit",
        _cut_form(Table("À écrire à la main", columns, rows, form=True, note=note)),
    )


def _list_steps(runbook: Runbook) -> Section:
    has_deadlines = any(step.deadline_hours for step in runbook.steps)
    columns = (
        Column("Étape", 8),
        Column("Titre", 52),
        Column("Qui", 22),
        *((Column("Échéance", 18),) if has_deadlines else ()),
    )
    rows = tuple(
        (
            Cell(step.id),
            Cell(step.title),
            Cell(ACTORS[step.role]),
            *((Cell(_say_deadline(step)),) if has_deadlines else ()),
        )
        for step in runbook.steps
    )
    note = f"{SUBJECT.capitalize()} : celle au nom de qui la procédure est déroulée."
    is_about = any(step.role is Actor.RENFORT or step.subject_excluded for step in runbook.steps)
    table = Table("Dans l'ordre", columns, rows, note=note if is_about else "")
    return Section("synthese", "Étapes", (table,))


def _say_deadline(step: Step) -> str:
    return f"{step.deadline_hours} h ouvrées" if step.deadline_hours else "–"


def _describe_step(step: Step) -> Section:
    blocks: list[Block] = [
        Pairs(_list_facts(step)),
        *label_prose("Avant de commencer", step.precondition),
        *parse_prose(step.instructions),
    ]
    if step.command:
        blocks.append(Code("Commande", step.command))
    rows = tuple(
        (
            Cell(field.label),
            Cell(_describe_field(field)),
            Cell(_leave_room(field)),
        )
        for field in step.fields
    )
    blocks += [
        *label_prose("Preuve attendue", step.evidence),
        *label_prose("Pour revenir en arrière", step.undo),
        *_cut_form(Table("Formulaire", FORM, rows, form=True)),
        _leave_initials(step),
    ]
    return Section(f"etape-{step.id}", f"{step.id} — {step.title}", tuple(blocks), together=True)


def _list_facts(step: Step) -> tuple[tuple[str, str], ...]:
    who = ACTORS[step.role] + (", ou son délégataire" if step.delegates else "")
    facts = [
        ("Qui", who + (", jamais la personne concernée" if step.subject_excluded else "")),
        ("Nature", KINDS[step.kind]),
        ("Après", ", ".join(step.requires) or "rien : première étape"),
    ]
    if step.deadline_hours:
        facts.append(("Échéance", f"{describe_hours(step.deadline_hours)} après le départ de l'horloge"))
    if step.clock is not ClockMove.NONE:
        facts.append(("Horloge", "part à cette étape" if step.clock is ClockMove.START else "s'arrête ici"))
    if step.check:
        facts.append(("Contrôle", f"{step.check} (par l'outil)"))
    if step.campaign:
        facts.append(("Campagne", describe_campaign(step.campaign)))
    if step.may_be_skipped:
        facts.append(("Sans objet", "possible, avec un motif écrit"))
    return tuple(facts)


def _describe_field(field: Field) -> str:
    optional = "" if field.required else "facultatif"
    return "\n".join(one for one in (optional, FORMATS[field.kind], field.help) if one)


def _leave_room(field: Field) -> str:
    options = {FieldKind.YES: ("oui",), FieldKind.YES_NO: ("oui", "non")}.get(field.kind, field.options)
    boxes = [f"{BOX}\u00a0{one}" for one in options]
    is_long = sum(len(one) for one in boxes) > WIDE_OPTIONS
    return ("\n" if is_long else "    ").join(boxes)


def _cut_form(table: Table) -> tuple[Block, ...]:
    """A long form as several, each of which has room on a page."""
    count = math.ceil(len(table.rows) / FORM_ROWS)
    size = math.ceil(len(table.rows) / count) if count else 1  # as many rows in each
    parts = [table.rows[i : i + size] for i in range(0, len(table.rows), size)]
    last = len(parts) - 1
    return tuple(
        Table(
            table.caption if place == 0 else f"{table.caption} (suite)",
            table.columns,
            rows,
            note=table.note if place == last else "",
            form=True,
        )
        for place, rows in enumerate(parts)
    )


def _leave_initials(step: Step) -> Table:
    result = f"{BOX}\u00a0faite" + (f"\n{BOX}\u00a0sans objet" if step.may_be_skipped else "")
    columns = (
        Column("Étape", 10),
        Column("Résultat", 18),
        Column("Date et heure", 24),
        Column("Nom", 30),
        Column("Paraphe", 18),
    )
    row = (Cell(step.id), Cell(result), Cell(""), Cell(""), Cell(""))
    return Table("Visa de l'étape", columns, (row,), form=True)
