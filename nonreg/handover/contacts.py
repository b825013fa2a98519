"""The directory of contacts with its days of effect, from the answers of executions: who answers on a given day. Pure.

A step that puts a contact in place (A6c) has the fields `effet_le`, `retour_le` and `annuaire_version`; one that puts
the titulaire back (H6) has `effet_le` and `annuaire_version` alone. Whatever happens, it reverts: on the day that was
told, when the titulaire is put back, when the activation ends or is given up. The SCV's single contact never changes.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from nonreg.model import Role
from nonreg.model.contacts import Duty
from nonreg.model.handover import Execution, Outcome, Step, StepDone
from nonreg.working_time import PARIS

SINCE, UNTIL, DIRECTORY, ACTIVATION = "effet_le", "retour_le", "annuaire_version", "activation_execution"
RESTORED, ABANDONED, ENDED = "contacts rétablis", "activation abandonnée", "activation close"


def list_duties(
    executions: Iterable[Execution], roles: dict[str, Role], *, platform: str, rehearsal: bool = False
) -> tuple[Duty, ...]:
    """Every duty of a platform, the first to begin first; those that were played are a directory of their own."""
    mine = [one for one in executions if (one.platform, one.rehearsal) == (platform, rehearsal)]
    changes = [(one, done) for one in mine for step, done in list_done(one) if is_change(step)]
    returns = [
        find_ended(found, {one.id for one, _ in changes}) for one in mine for found in list_returns(one)
    ]
    duties = [end_early(make_duty(one, done, roles), one, returns) for one, done in changes]
    kept = (one for one in duties if one.until is None or one.since < one.until)
    return tuple(sorted(kept, key=lambda one: (one.since, one.execution)))


def list_on_duty(duties: Iterable[Duty], day: date) -> tuple[Duty, ...]:
    """Who answers that day besides the titulaire; nobody means the titulaire alone."""
    return tuple(one for one in duties if one.is_on(day))


def list_done(execution: Execution) -> list[tuple[Step, StepDone]]:
    """Steps that were done, not those that did not apply."""
    found = ((execution.runbook.step(done.step_id), done) for done in execution.done)
    return [(step, done) for step, done in found if step is not None and done.outcome is Outcome.DONE]


def is_change(step: Step) -> bool:
    """True for a step that puts a contact in place."""
    return {SINCE, UNTIL, DIRECTORY} <= {field.id for field in step.fields}


def is_return(step: Step) -> bool:
    """True for a step that puts the titulaire back."""
    names = {field.id for field in step.fields}
    return {SINCE, DIRECTORY} <= names and UNTIL not in names


def make_duty(execution: Execution, done: StepDone, roles: dict[str, Role]) -> Duty:
    """The duty that a step declares: of the person whom its execution is about."""
    said = read_answers(done)
    return Duty(
        execution.subject,
        roles.get(execution.subject),
        read_day(said[SINCE]),
        read_day(said[UNTIL]) if said.get(UNTIL) else None,
        said.get(DIRECTORY, ""),
        execution.id,
    )


def list_returns(execution: Execution) -> list[tuple[str, str, date]]:
    """For each step that puts the titulaire back: the activation that ends, whose it was, and from which day on."""
    named = next(
        (said[ACTIVATION] for one in execution.done if ACTIVATION in (said := read_answers(one))), ""
    )
    return [
        (named, execution.subject, read_day(read_answers(done)[SINCE]))
        for step, done in list_done(execution)
        if is_return(step)
    ]


def find_ended(found: tuple[str, str, date], known: set[str]) -> tuple[str, str, date]:
    """The same with the whole id of the activation; empty when none is of that name: then the person tells."""
    named, subject, day = found
    matching = [one for one in known if named and one.endswith(named)]
    return (matching[0] if len(matching) == 1 else "", subject, day)


def end_early(duty: Duty, execution: Execution, returns: Iterable[tuple[str, str, date]]) -> Duty:
    """The same, cut at the first thing that ended it before its own day."""
    ends = [
        (day, RESTORED)
        for named, subject, day in returns
        if subject == duty.person and named in ("", duty.execution) and day >= duty.since
    ]
    if execution.closed_at is not None:
        ends.append((to_day(execution.closed_at), ABANDONED if execution.abandoned else ENDED))
    for day, why in sorted(ends):
        if duty.until is None or day < duty.until:
            return Duty(duty.person, duty.role, duty.since, day, duty.directory, duty.execution, ended_by=why)
    return duty


def read_answers(done: StepDone) -> dict[str, str]:
    """Answers of a step by field."""
    return {one.field: one.value for one in done.said}


def read_day(value: str) -> date:
    """The day of a date, or of an instant on the clock of Paris, as a form keeps it."""
    return to_day(datetime.fromisoformat(value)) if "T" in value else date.fromisoformat(value)


def to_day(at: datetime) -> date:
    """The day of an instant in Paris."""
    return at.astimezone(PARIS).date()
