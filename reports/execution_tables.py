"""What the record of an execution says of the whole: its steps at a glance, its delay, what is left, its history."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from nonreg.model.handover import Execution, Outcome
from reports import text
from reports.delay import (
    FATES,
    ClockReadings,
    format_due,
    format_office,
    judge,
    list_readings,
    say_state,
    say_suspension,
)
from reports.document import Block, Cell, Column, Items, Pairs, Paragraph, Section, Table
from reports.runbook_words import ACTORS, STATES, TOOL, Standing, State, describe_hours

PROOF = (
    "Chaque ligne est un événement du registre chaîné des décisions ; son numéro est celui de sa ligne. Une étape "
    "signée l'est avec la clé SSH de la personne ; les autres identités sont déclarées, non prouvées."
)


def summarise_steps(standings: Sequence[Standing]) -> Section:
    """Return every step on one line."""
    columns = (
        Column("Étape", 8),
        Column("Titre", 34),
        Column("État", 14),
        Column("Qui", 18),
        Column("Quand (Paris)", 15),
        Column("Registre", 11, numeric=True),
    )
    rows = tuple(
        (
            Cell(one.step.id),
            Cell(one.step.title),
            STATES[one.state],
            Cell(one.who if one.done else f"({one.who})"),
            Cell(text.format_day(one.when) if one.when else "–"),
            Cell(str(one.done.sequence) if one.done else "–"),
        )
        for one in standings
    )
    note = "Qui : entre parenthèses, le rôle attendu d'une étape qui n'est pas faite."
    return Section("synthese", "1. Étapes", (Table("Dans l'ordre du runbook", columns, rows, note=note),))


def describe_execution(execution: Execution) -> Section:
    """Return what was opened, by whom, on which runbook."""
    runbook = execution.runbook
    items = (
        ("Plateforme", execution.platform),
        ("Ticket", execution.ticket),
        ("Personne", text.known(execution.subject) if execution.subject else "aucune"),
        ("Répétition", "oui" if execution.rehearsal else "non"),
        ("Ouverte par", text.known(execution.opened_by)),
        ("Ouverte le", text.format_moment(execution.opened_at)),
        ("Runbook", f"{runbook.id}, version {text.known(runbook.version)}"),
        ("Close le", text.format_moment(execution.closed_at) if execution.closed_at else "pas encore"),
        *((one.field, text.known(one.value)) for one in execution.parameters),
    )
    wide = (("Exécution", execution.id), (f"SHA-256 de {runbook.id}.toml", text.known(runbook.sha256)))
    blocks: list[Block] = [Pairs(items, wide)]
    if execution.abandoned:
        by = f" par {execution.closed_by}" if execution.closed_by else ""
        blocks.append(Paragraph(f"Abandonnée{by}, motif : {execution.abandoned}", "ko", "✗"))
    if execution.revoked:
        ended = tuple(
            f"{one.delegate}, le {text.format_moment(one.at)}, par {one.person}, motif : {one.reason}"
            for one in execution.revoked
        )
        blocks.append(Items("Délégations révoquées", ended))
    if runbook.unknown:
        blocks.append(Items("Ce que le site n'avait pas dit à l'ouverture", runbook.unknown))
    return Section("execution", "2. Exécution", tuple(blocks))


def describe_clock(execution: Execution, clock: ClockReadings | None, at: datetime) -> Section:
    """Return the delay in both readings, and when it stood still."""
    blocks: list[Block] = [Paragraph(say_state(execution))]
    hours = execution.runbook.delay_hours
    if clock is not None and hours is not None:
        if clock.took is not None:
            blocks.append(
                Pairs((("Délai", describe_hours(hours)), ("Temps passé", format_office(clock.took))))
            )
        blocks.append(_list_readings(execution, clock, at))
    if execution.clock.suspensions:
        pauses = tuple(
            say_suspension(one) + ("" if one.until else " (en cours)") for one in execution.clock.suspensions
        )
        blocks.append(Items("Suspensions", pauses))
    elif execution.clock.started_at is not None:
        blocks.append(Paragraph("Aucune suspension."))
    return Section("delai", "3. Délai", tuple(blocks), together=True)


def _list_readings(execution: Execution, clock: ClockReadings, at: datetime) -> Table:
    columns = (
        Column("Lecture", 34),
        Column("Échéance (Paris)", 26),
        Column("Marge", 22),
        Column("Issue", 18),
    )
    rows = tuple(
        (
            Cell(f"{name}, retenue" if due is clock.binding else name),
            Cell(format_due(due.deadline)),
            Cell(f"{'−' if is_past(execution, due.deadline, at) else ''}{format_office(abs(due.left))}"),
            FATES[judge(execution, due, at)],
        )
        for name, due in list_readings(execution, clock)
    )
    note = (
        "« Heures ouvrées » n'est défini par aucun document du marché : les deux lectures sont données. Les échéances "
        "tiennent compte des suspensions."
    )
    return Table("Échéance dans les deux lectures", columns, rows, note=note)


def is_past(execution: Execution, deadline: datetime, at: datetime) -> bool:
    """True when the deadline came before the end, or before now."""
    return (execution.clock.stopped_at or execution.closed_at or at) > deadline


def list_left(execution: Execution, standings: Sequence[Standing]) -> Section:
    """Return what is still to be done, or never was."""
    rows = tuple(
        (
            Cell(one.step.id),
            Cell(one.step.title),
            STATES[one.state],
            Cell(ACTORS[one.step.role]),
            Cell(", ".join(one.waits_for) or "–"),
        )
        for one in standings
        if one.state not in (State.DONE, State.SKIPPED)
    )
    columns = (
        Column("Étape", 8),
        Column("Titre", 42),
        Column("État", 15),
        Column("Par", 20),
        Column("Attend", 15),
    )
    caption = "Ce qui n'a pas été fait" if execution.closed_at else "Ce qui reste ouvert"
    table = Table(caption, columns, rows, empty="Rien : chaque étape est faite ou déclarée sans objet.")
    return Section("reste", "4. Reste à faire", (table,))


def list_history(execution: Execution) -> Section:
    """Return every event, oldest first."""
    columns = (Column("Quand", 28), Column("Événement", 40), Column("Qui", 20), Column("Registre", 12))
    events = sorted(_iter_events(execution), key=lambda one: one[0])
    rows = tuple(
        (Cell(text.format_moment(at)), Cell(what), Cell(who or TOOL), Cell(line or "–"))
        for at, what, who, line in events
    )
    return Section(
        "chronologie", "7. Chronologie", (Table("Tous les événements", columns, rows), Paragraph(PROOF))
    )


def _iter_events(execution: Execution) -> Iterator[tuple[datetime, str, str, str]]:
    yield execution.opened_at, "Ouverture", execution.opened_by, f"ligne {execution.opened_sequence}"
    for done in execution.done:
        word = "sans objet" if done.outcome is Outcome.NOT_APPLICABLE else "faite"
        signed = f", décision signée {done.decision_id}" if done.decision_id else ""
        yield done.at, f"Étape {done.step_id} {word}{signed}", done.person, f"ligne {done.sequence}"
    for failed in execution.failed:
        yield failed.at, f"Étape {failed.step_id} : essai en échec", "", f"ligne {failed.sequence}"
    for pause in execution.clock.suspensions:
        yield pause.since, "Horloge suspendue", pause.person, f"ligne {pause.sequence}"
        if pause.until:
            yield pause.until, "Horloge reprise", pause.resumed_by, f"ligne {pause.resumed_sequence}"
    for one in execution.revoked:
        what = f"Délégation de {one.delegate} révoquée, décision signée {one.decision_id}"
        yield one.at, what, one.person, f"ligne {one.sequence}"
    if execution.closed_at:
        what = "Abandon" if execution.abandoned else "Clôture"
        yield execution.closed_at, what, execution.closed_by, f"ligne {execution.closed_sequence}"
