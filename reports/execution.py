"""The record of a runbook that was executed, which is the proof: who did what, when, on what evidence, in what time.

Persons are ids, moments are of Paris, and every line tells its number in the ledger.
"""

from __future__ import annotations

from datetime import datetime

from nonreg.model.handover import ClockMove, Execution
from reports import text
from reports.delay import FATES, ClockReadings, Fate, judge, list_readings, say_countdown, say_state
from reports.document import Cell, Document, Paragraph
from reports.execution_steps import describe_failures, describe_steps
from reports.execution_tables import (
    describe_clock,
    describe_execution,
    list_history,
    list_left,
    summarise_steps,
)
from reports.runbook_words import REHEARSAL, is_complete, list_open, list_standings
from reports.visas import leave_visas

TITLE = "Compte rendu d'exécution"
CAPABILITY = "R57"  # what the step that stops the clock meets when it pronounces the capability
CAPABLE, CAPABLE_IN_PLAY = "Mise en capacité prononcée", "Mise en capacité jouée"
STEPS_NAMED = 4
PLAYED = "RÉPÉTITION : cette exécution n'a été que jouée ; elle ne prononce rien et n'engage personne."


def build_record(execution: Execution, clock: ClockReadings | None, at: datetime) -> Document:
    """Return the record as it stands `at` that moment; without `clock` the delay has not begun, or there is none."""
    execution = text.make_printable(execution)
    runbook = execution.runbook
    standings = list_standings(execution)
    about = f", personne concernée : {execution.subject}" if execution.subject else ""
    return Document(
        title=f"{TITLE} — {runbook.title}",
        status=REHEARSAL if execution.rehearsal else "Exécution réelle",
        subject=f"ticket {execution.ticket}, plateforme {execution.platform}{about}",
        run_id=execution.id,
        generated=text.format_moment(at),
        alerts=_list_alerts(execution, clock, at),
        verdict=find_verdict(execution),
        conclusion=_conclude(execution),
        reasons=_list_reasons(execution, clock, at),
        sections=(
            summarise_steps(standings),
            describe_execution(execution),
            describe_clock(execution, clock, at),
            list_left(execution, standings),
            *describe_steps(standings),
            *describe_failures(execution),
            list_history(execution),
            leave_visas(),
        ),
        source_sha256=runbook.sha256,
        verdict_label="État",
        generated_label="compte rendu établi le",
        source_label=f"Runbook {runbook.id}.toml",
    )


def find_verdict(execution: Execution) -> Cell:
    """Return what the execution came to, in a few words; one that was only played never reads as a real one."""
    found = _find_verdict(execution)
    if not execution.rehearsal:
        return found
    tone = ("!", "warn") if found.tone == "ok" else (found.sign, found.tone)
    return Cell(f"{REHEARSAL} — {text.go_on(found.text)}", *tone)


def _find_verdict(execution: Execution) -> Cell:
    if execution.abandoned:
        return Cell("Abandonné", "✗", "ko")
    if execution.closed_at is not None:
        if not is_complete(execution):
            return Cell("Clos avec des étapes non faites", "!", "warn")
        capable = CAPABLE_IN_PLAY if execution.rehearsal else CAPABLE
        return Cell(capable if is_capable(execution) else "Terminé", "✓", "ok")
    now = list_open(list_standings(execution))
    if not now:
        return Cell("Toutes les étapes sont faites, clôture à faire", "▶", "info")
    ids = text.name_ids([one.step.id for one in now], STEPS_NAMED, "voir plus bas")
    return Cell(f"En cours : {'étapes' if len(now) > 1 else 'étape'} {ids}", "▶", "info")


def is_capable(execution: Execution) -> bool:
    """True when the step that pronounces the capability was done, and signed."""
    return any(
        CAPABILITY in step.requirement_ids
        and step.clock is ClockMove.STOP
        and (done := execution.find(step.id)) is not None
        and done.decision_id
        for step in execution.runbook.steps
    )


def _conclude(execution: Execution) -> str:
    done, all_steps = len(execution.done), len(execution.runbook.steps)
    said = f"{text.plural(done, 'étape faite ou sans objet', 'étapes faites ou sans objet')} sur {all_steps}."
    if execution.abandoned:
        by = f" par {execution.closed_by}" if execution.closed_by else ""
        return f"Abandonné{by}, motif : {text.go_on(execution.abandoned)}. {said}"
    if is_capable(execution) and execution.closed_at is None:
        capable = CAPABLE_IN_PLAY if execution.rehearsal else CAPABLE
        return f"{capable} ; d'autres étapes restent à faire. {said}"
    return said


def _list_reasons(execution: Execution, clock: ClockReadings | None, at: datetime) -> tuple[str, ...]:
    said = [say_state(execution)]
    if clock is not None:
        said += [f"{words}." for words in say_countdown(execution, clock, at)]
    return tuple(said)


def _list_alerts(execution: Execution, clock: ClockReadings | None, at: datetime) -> tuple[Paragraph, ...]:
    alerts = [Paragraph(PLAYED, "warn", "!")] if execution.rehearsal else []
    for name, due in list_readings(execution, clock) if clock is not None else ():
        fate = judge(execution, due, at)
        binds = clock is not None and due is clock.binding
        if binds and fate in (Fate.OVER, Fate.MISSED):
            alerts.append(Paragraph(f"Échéance {fate} : {name}.", FATES[fate].tone, FATES[fate].sign))
    if execution.runbook.unknown:
        count = text.plural(
            len(execution.runbook.unknown),
            "renseignement du site manquait",
            "renseignements du site manquaient",
        )
        alerts.append(Paragraph(f"{count} à l'ouverture (§ 2).", "warn", "!"))
    return tuple(alerts)
