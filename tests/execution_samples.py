"""Executions of the integration runbook as the ledger would tell them: under way, ended, played, given up."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from pathlib import Path

from nonreg.delays import add_working_time
from nonreg.handover.clock import view_clock
from nonreg.handover.runbook_file import load_runbook
from nonreg.model import Evidence
from nonreg.model.handover import (
    Actor,
    Clock,
    ClockMove,
    Execution,
    Field,
    FieldKind,
    Outcome,
    Runbook,
    Said,
    Step,
    StepDone,
    StepFailed,
    StepKind,
    Suspension,
)
from nonreg.working_time import WorkingTime
from reports.delay import ClockReadings, Due
from tests.report_samples import hash_text

DATA = Path(__file__).parent / "data" / "runbooks"
WORKING = WorkingTime()
FACTS = {"contact de l'hébergeur": "astreinte de l'hébergeur, poste 4512"}
REQUESTED = datetime(2026, 11, 26, 14, 40, tzinfo=UTC)  # a Thursday, 15:40 in Paris
SUBJECT = "renfort-technique-essai"
PERSONS = {
    Actor.OUTIL: "",
    Actor.RENFORT: SUBJECT,
    Actor.TITULAIRE: "titulaire-essai",
    Actor.MOA_SCV: "moa-scv-essai",
}
ANSWERS = {
    FieldKind.TEXT: "AQ-812 : reprise du script de purge\nAQ-815 : essais de non-régression",
    FieldKind.REFERENCE: "SCV-2026-118",
    FieldKind.DATE: "2027-06-30",
    FieldKind.INSTANT: "2026-11-26T15:40+01:00",
    FieldKind.YES: "oui",
    FieldKind.YES_NO: "non",
    FieldKind.NUMBER: "3",
}
PAUSE = Suspension(
    REQUESTED + timedelta(hours=18), "Ouverture des comptes attendue de l'hébergeur.", "titulaire-essai", 54
)


def integration() -> Runbook:
    """The integration as it once was, of which the site has told one fact: tests do not change with the real one."""
    return load_runbook(DATA / "integration.toml", FACTS)


def answer(field: Field) -> Said:
    """A sensible answer."""
    return Said(field.id, ANSWERS.get(field.kind) or field.options[0])


def do(step: Step, place: int) -> StepDone:
    """How a step was done, 40 minutes of office time after the one above."""
    is_tool = step.role is Actor.OUTIL
    name = "report.json" if step.kind is StepKind.CAMPAIGN else f"preuves/{step.id}.json"
    evidence = (Evidence(f"Relevé de l'étape {step.id}", name, hash_text(step.id)),) if is_tool else ()
    return StepDone(
        step.id,
        add_working_time(REQUESTED, timedelta(minutes=20 + 40 * place), WORKING).astimezone(UTC),
        Outcome.DONE,
        PERSONS.get(step.role, f"{step.role.replace('_', '-')}-essai"),
        tuple(answer(field) for field in step.fields),
        evidence,
        "6 points contrôlés" if is_tool else "",
        40 + 3 * place,
        f"D-20261130T10{place:02d}-essai" if step.kind is StepKind.SIGNATURE else "",
    )


def play(count: int, runbook: Runbook | None = None, **changes: object) -> Execution:
    """The first `count` steps done, O4 at the second try."""
    runbook = runbook or integration()
    done = tuple(do(step, place) for place, step in enumerate(runbook.steps[:count]))
    ids = {one.step_id: one for one in done}
    starts, stops = (
        [ids[one.id] for one in runbook.steps if one.clock is move and one.id in ids]
        for move in (ClockMove.START, ClockMove.STOP)
    )
    failed = (
        StepFailed(
            "O4",
            REQUESTED + timedelta(hours=3),
            "Droits de la base : db_owner en trop pour « nr_renfort ».",
            "Faire retirer db_owner par l'administrateur de la base, puis relancer le contrôle.",
            51,
        ),
    )
    execution = Execution(
        id="RB-20261126T144512Z-integration-3fa1c2",
        runbook=runbook,
        platform="essai",
        ticket="AQ-801",
        subject=SUBJECT,
        opened_by="titulaire-essai",
        opened_at=REQUESTED + timedelta(minutes=5),
        opened_sequence=38,
        done=done,
        failed=failed if count > 4 else (),
        clock=Clock(REQUESTED if starts else None, stops[0].at if stops else None),
    )
    return dataclasses.replace(execution, **changes)  # type: ignore[arg-type]


def suspend(execution: Execution, until: datetime | None = None) -> Execution:
    """The same with its clock suspended, for good or until then."""
    resumed = {"resumed_by": "titulaire-essai", "resumed_sequence": 58} if until else {}
    pause = dataclasses.replace(PAUSE, until=until, **resumed)  # type: ignore[arg-type]
    return dataclasses.replace(execution, clock=dataclasses.replace(execution.clock, suspensions=(pause,)))


def end(**changes: object) -> Execution:
    """Every step done, and closed."""
    execution = play(len(integration().steps))
    execution = suspend(execution, PAUSE.since + timedelta(hours=2))
    closed = execution.done[-1].at + timedelta(minutes=2)
    return dataclasses.replace(execution, closed_at=closed, closed_sequence=99, **changes)  # type: ignore[arg-type]


def read(execution: Execution, at: datetime) -> ClockReadings | None:
    """Its clock at that moment, or when it was closed, in office hours of 9-12 and 14-18."""
    view = view_clock(execution, WORKING, execution.closed_at or at)
    if view is None:
        return None
    by_days = Due(view.deadlines.by_days, view.left_by_days)
    by_hours = Due(view.deadlines.by_hours, view.left_by_hours)
    return ClockReadings(by_days, by_hours, view.took)
