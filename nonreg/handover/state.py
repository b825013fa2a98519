"""What the ledger tells of an execution: pure, the same entries give the same state.

data of an entry of kind `runbook`: {execution, event, …}
ouverture   runbook, runbook_sha256, subject, rehearsal, parameters, origin
etape       step, outcome, said, evidence, note
echec       step, message, remedy
debut       step, run_id          a campaign began: a resumed step asks after it before it begins another
suspension  reason                the clock stands still…
reprise                           …and goes on
cloture     abandoned             why it was given up, empty when every step is done
revocation  step, delegate, reason  the MOA ends the delegation that this step gave, after the end too
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from nonreg.errors import LedgerBroken
from nonreg.ledger import LedgerEntry
from nonreg.model import Evidence
from nonreg.model.handover import (
    ClockMove,
    Execution,
    FieldKind,
    Outcome,
    Revoked,
    Runbook,
    Said,
    Step,
    StepDone,
    StepFailed,
    Suspension,
)

KIND = "runbook"


class Event(StrEnum):
    """What happened to an execution."""

    OPENED = "ouverture"
    DONE = "etape"
    FAILED = "echec"
    BEGUN = "debut"
    SUSPENDED = "suspension"
    RESUMED = "reprise"
    CLOSED = "cloture"
    REVOKED = "revocation"


def select_entries(entries: Iterable[LedgerEntry], execution_id: str) -> tuple[LedgerEntry, ...]:
    """The entries of one execution, in order."""
    return tuple(
        entry for entry in entries if entry.kind == KIND and entry.data.get("execution") == execution_id
    )


def build_execution(runbook: Runbook, entries: tuple[LedgerEntry, ...]) -> Execution:
    """The state after these entries, the opening one first; LedgerBroken for one that tells nothing sensible."""
    opening = entries[0]
    try:
        execution = Execution(
            id=opening.data["execution"],
            runbook=runbook,
            platform=opening.platform,
            ticket=opening.ticket,
            subject=opening.data["subject"],
            opened_by=opening.person,
            opened_at=opening.at,
            opened_sequence=opening.sequence,
            rehearsal=opening.data["rehearsal"],
            parameters=read_said(opening.data["parameters"]),
        )
    except (KeyError, TypeError) as error:
        raise LedgerBroken(opening.sequence, "ce n'est pas l'ouverture d'un runbook") from error
    for entry in entries[1:]:
        try:
            execution = apply(execution, entry)
        except (KeyError, TypeError, ValueError) as error:
            raise LedgerBroken(entry.sequence, "ce n'est pas l'événement d'un runbook") from error
    return execution


def apply(execution: Execution, entry: LedgerEntry) -> Execution:
    """The state after one more entry."""
    data = entry.data
    match Event(data["event"]):
        case Event.DONE:
            return add_done(execution, entry)
        case Event.FAILED:
            failed = StepFailed(data["step"], entry.at, data["message"], data["remedy"], entry.sequence)
            return dataclasses.replace(execution, failed=(*execution.failed, failed))
        case Event.SUSPENDED:
            pause = Suspension(entry.at, data["reason"], entry.person, entry.sequence)
            return set_suspensions(execution, (*execution.clock.suspensions, pause))
        case Event.RESUMED:
            *before, last = execution.clock.suspensions
            ended = dataclasses.replace(
                last, until=entry.at, resumed_by=entry.person, resumed_sequence=entry.sequence
            )
            return set_suspensions(execution, (*before, ended))
        case Event.CLOSED:
            return dataclasses.replace(
                execution,
                closed_at=entry.at,
                closed_by=entry.person,
                closed_sequence=entry.sequence,
                abandoned=data["abandoned"],
            )
        case Event.REVOKED:
            decision_id = entry.decision.id if entry.decision else ""
            revoked = Revoked(
                data["step"],
                entry.at,
                data["delegate"],
                data["reason"],
                entry.person,
                entry.sequence,
                decision_id,
            )
            return dataclasses.replace(execution, revoked=(*execution.revoked, revoked))
        case _:
            return execution


def add_done(execution: Execution, entry: LedgerEntry) -> Execution:
    """A step is done; that of the clock starts or stops it."""
    data = entry.data
    done = StepDone(
        step_id=data["step"],
        at=entry.at,
        outcome=Outcome(data["outcome"]),
        person=entry.person,
        said=read_said(data["said"]),
        evidence=tuple(Evidence(one["title"], one["path"], one["sha256"]) for one in data["evidence"]),
        note=data["note"],
        sequence=entry.sequence,
        decision_id=entry.decision.id if entry.decision else "",
    )
    execution = dataclasses.replace(execution, done=(*execution.done, done))
    step = execution.runbook.step(done.step_id)
    if step is None or done.outcome is not Outcome.DONE or step.clock is ClockMove.NONE:
        return execution
    if step.clock is ClockMove.START:
        clock = dataclasses.replace(execution.clock, started_at=find_start(step, done))
    else:
        clock = dataclasses.replace(execution.clock, stopped_at=done.at)
    return dataclasses.replace(execution, clock=clock)


def find_start(step: Step, done: StepDone) -> datetime:
    """When the clock started: at the first instant of its form, that of the request, otherwise when it was recorded."""
    for field in step.fields:
        if field.kind is FieldKind.INSTANT:
            for one in done.said:
                if one.field == field.id and one.value:
                    return datetime.fromisoformat(one.value).astimezone(UTC)
    return done.at


def set_suspensions(execution: Execution, suspensions: tuple[Suspension, ...]) -> Execution:
    """The same with other suspensions of its clock."""
    return dataclasses.replace(execution, clock=dataclasses.replace(execution.clock, suspensions=suspensions))


def find_begun(entries: tuple[LedgerEntry, ...], step_id: str) -> str:
    """The run that a campaign step began and that was not judged yet, empty when there is none."""
    begun = ""
    for entry in entries:
        if entry.data.get("step") == step_id:
            begun = str(entry.data["run_id"]) if entry.data["event"] == Event.BEGUN else ""
    return begun


def list_open(execution: Execution) -> tuple[Step, ...]:
    """Steps that may be done now: what they come after is done; none once it is closed."""
    if execution.closed_at is not None:
        return ()
    done = {one.step_id for one in execution.done}
    return tuple(
        step for step in execution.runbook.steps if step.id not in done and done.issuperset(step.requires)
    )


def next_step(execution: Execution) -> Step | None:
    """The first step that may be done now, None when all are."""
    return next(iter(list_open(execution)), None)


def last_failure(execution: Execution, step_id: str) -> StepFailed | None:
    """Why the last try of a step failed, None when none did."""
    found = [one for one in execution.failed if one.step_id == step_id]
    return found[-1] if found else None


def read_said(data: Mapping[str, Any]) -> tuple[Said, ...]:
    """Answers in the order in which they were given."""
    return tuple(Said(str(name), str(value)) for name, value in data.items())


def write_said(said: Iterable[Said]) -> dict[str, str]:
    """The inverse of `read_said`."""
    return {one.field: one.value for one in said}
