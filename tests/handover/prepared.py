"""Facts of a handover in which nothing is missing, and executions that were closed; tests take something away."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from functools import cache

from nonreg.handover.readiness import Facts, Finding, score
from nonreg.handover.readiness_binder import (
    BINDER,
    look_at_binder,
    look_at_rehearsals,
    look_at_scenarios,
    look_at_unreadable,
)
from nonreg.handover.readiness_renforts import look_at_renforts
from nonreg.handover.reviews import Review
from nonreg.handover.runbook_file import find_runbook, list_runbooks, read_facts
from nonreg.model.handover import Clock, Execution, Outcome, Runbook, StepDone
from nonreg.model.readiness import Readiness
from nonreg.people import GOVERNANCE_DIR, Person, load_people
from nonreg.working_time import WorkingTime

EMBEDDED = GOVERNANCE_DIR / "embarquee"
TOKEN = "5b0f6c1e-2f5d-4c57-9a39-1d3a7be0c0de"
NOW = datetime(2026, 12, 1, 4, 30, tzinfo=UTC)  # a Tuesday, 05:30 in Paris
TECHNIQUE, PILOTAGE = "renfort-technique-essai", "renfort-pilotage-essai"


@cache
def runbooks() -> dict[str, Runbook]:
    """Those of the project, with the facts of the embedded platform."""
    told = read_facts(EMBEDDED)
    return {one: find_runbook(one, told) for one in list_runbooks()}


@cache
def persons() -> tuple[Person, ...]:
    """Those of the embedded platform."""
    return load_people(EMBEDDED, TOKEN).persons


def play(
    runbook_id: str,
    days_ago: float = 10,
    *,
    subject: str = "",
    rehearsal: bool = True,
    took: timedelta | None = None,
    **changes: object,
) -> Execution:
    """An execution that was closed, every step done by the titulaire's form; `took` runs from 09:00 in Paris."""
    runbook = runbooks()[runbook_id]
    closed = (NOW - timedelta(days=days_ago)).replace(hour=15, minute=0)
    done = tuple(
        StepDone(
            one.id, closed, Outcome.DONE, "titulaire-essai" if one.role.role else "", (), (), "", 10 + place
        )
        for place, one in enumerate(runbook.steps)
    )
    start = closed.replace(hour=8)
    clock = Clock(start, start + took) if took is not None else Clock()
    opened = closed - timedelta(minutes=95)
    execution = Execution(
        id=f"RB-20261130T080000Z-{runbook_id}-{abs(hash((days_ago, subject))) % 0xFFFFFF:06x}",
        runbook=runbook,
        platform="embarquee",
        ticket="AQ-7",
        subject=subject,
        opened_by="titulaire-essai",
        opened_at=opened,
        opened_sequence=2,
        rehearsal=rehearsal,
        done=done,
        clock=clock,
        closed_at=closed,
    )
    return dataclasses.replace(execution, **changes)  # type: ignore[arg-type]


def prepare(**changes: object) -> Facts:
    """Everything is there, and played in the last days."""
    executions = (
        *(play(one) for one in runbooks()),
        *(
            play("integration", 5, subject=one, rehearsal=False, took=timedelta(hours=3))
            for one in (TECHNIQUE, PILOTAGE)
        ),
    )
    facts = Facts(
        platform="embarquee",
        title="Plateforme embarquée",
        application_version="5.2.0",
        at=NOW,
        working=WorkingTime(),
        runbooks=dict(runbooks()),
        reviews=tuple(
            Review(one, runbooks()[one].version, "5.2.0", (NOW - timedelta(days=1)).date(), "titulaire-essai")
            for one in BINDER
        ),
        executions=executions,
        persons=persons(),
    )
    return dataclasses.replace(facts, **changes)  # type: ignore[arg-type]


def find_all(facts: Facts) -> tuple[Finding, ...]:
    """Every finding of these facts."""
    return (
        *look_at_binder(facts),
        *look_at_rehearsals(facts),
        *look_at_scenarios(facts),
        *look_at_unreadable(facts),
        *look_at_renforts(facts),
    )


def measure(facts: Facts) -> Readiness:
    """The whole of these facts."""
    return score("D-essai", facts, find_all(facts))
