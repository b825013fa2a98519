"""Each step of an execution in the record: answers, evidence, decision, and the tries that failed."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import date, datetime

from nonreg.model.handover import Execution, Field, FieldKind, StepDone, StepKind
from reports import text
from reports.document import Block, Cell, Code, Column, Pairs, Paragraph, Section, Table
from reports.prose import label_prose
from reports.runbook_words import KINDS, STATES, TOOL, Standing, State

# A cell stays on one page: what is longer is set under the table, whole.
CELL_CHARACTERS, CELL_LINES = 400, 6
BELOW = "voir le texte ci-dessous"


def describe_steps(standings: Sequence[Standing]) -> tuple[Section, ...]:
    """Return a section a step that was done or tried, under one head."""
    told = [one for one in standings if one.done is not None]
    head: tuple[Block, ...] = () if told else (Paragraph("Aucune étape n'est faite."),)
    return (Section("detail", "5. Détail des étapes", head), *(_describe(one) for one in told))


def _describe(standing: Standing) -> Section:
    step, done = standing.step, standing.done
    assert done is not None
    blocks: list[Block] = [Pairs(_list_facts(standing, done)), *_say_signed(standing, done)]
    if done.note:
        label = "Motif" if standing.state is State.SKIPPED else "Note"
        blocks += show_text(label, done.note)
    blocks += label_prose("Preuve attendue", step.evidence)
    blocks += [*_list_said(standing, done), _list_evidence(done)]
    return Section(f"etape-{step.id}", f"{step.id} — {step.title}", tuple(blocks), 2, together=True)


def _list_facts(standing: Standing, done: StepDone) -> tuple[tuple[str, str], ...]:
    cell = STATES[standing.state]
    return (
        ("État", f"{cell.sign} {cell.text}"),
        ("Par", done.person or TOOL),
        ("Le", text.format_moment(done.at)),
        ("Registre", f"ligne {done.sequence}"),
        ("Nature", KINDS[standing.step.kind]),
        ("Essais en échec", str(len(standing.failed)) if standing.failed else "aucun"),
    )


def _say_signed(standing: Standing, done: StepDone) -> list[Block]:
    if done.decision_id:
        said = f"Décision {done.decision_id}, signée avec la clé SSH de {done.person} ; ligne {done.sequence}"
        return [Paragraph(f"{said} du registre.", "ok", "✓")]
    if standing.step.kind is StepKind.SIGNATURE and standing.state is State.DONE:
        return [Paragraph("Cette étape demande une signature, et n'en a pas.", "ko", "✗")]
    if done.person:
        return [Paragraph("Identité déclarée, non prouvée par une signature.")]
    return []


def _list_said(standing: Standing, done: StepDone) -> list[Block]:
    if not done.said:
        return []
    fields = {one.id: one for one in standing.step.fields}
    rows, below = [], []
    for one in done.said:
        field = fields.get(one.field)
        label = field.label if field else one.field
        value = format_value(field, one.value)
        rows.append((Cell(label), Cell(BELOW if is_long(value) else value)))
        below += [Code(label, value)] if is_long(value) else []
    columns = (Column("Question", 40), Column("Réponse", 60))
    return [Table("Réponses", columns, tuple(rows)), *below]


def format_value(field: Field | None, value: str) -> str:
    """Return an answer as it is read; one that is not of its kind as it was given."""
    if not value:
        return "sans réponse"
    with suppress(ValueError, OverflowError):
        if field is not None and field.kind is FieldKind.DATE:
            return f"{date.fromisoformat(value):%d/%m/%Y}"
        if field is not None and field.kind is FieldKind.INSTANT:
            return text.format_moment(datetime.fromisoformat(value))
    return value


def is_long(value: str) -> bool:
    """True for what has no room in a cell."""
    return len(value) > CELL_CHARACTERS or value.count("\n") >= CELL_LINES


def show_text(label: str, value: str) -> list[Block]:
    """Return a text that somebody wrote, whole and as it was written."""
    return [Code(label, value) if is_long(value) else Paragraph(f"{label} : {value}")]


def _list_evidence(done: StepDone) -> Table:
    columns = (Column("Preuve", 21), Column("Fichier", 21, mono=True), Column("SHA-256", 58, mono=True))
    rows = tuple((Cell(one.title), Cell(one.path), Cell(one.sha256)) for one in done.evidence)
    return Table("Fichiers conservés", columns, rows, empty="Aucun fichier joint à cette étape.")


def describe_failures(execution: Execution) -> tuple[Section, ...]:
    """Return every try that failed, with what was to be done about it."""
    head: tuple[Block, ...] = () if execution.failed else (Paragraph("Aucun."),)
    return (
        Section("echecs", "6. Essais en échec", head),
        *(
            Section(
                f"echec-{one.sequence}-{place}",
                f"{one.step_id} — le {text.format_day(one.at)}, ligne {one.sequence} du registre",
                (
                    *show_text("Constat", text.known(one.message)),
                    *show_text("Remède", text.known(one.remedy)),
                ),
                2,
            )
            for place, one in enumerate(execution.failed, 1)
        ),
    )
