"""Where the clock of an execution stands: deadlines in both readings, and what is left. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from nonreg.delays import Deadlines, Interval, Reading, find_deadlines, measure_working_time
from nonreg.model.handover import Clock, Execution, Step
from nonreg.working_time import WorkingTime


@dataclass(frozen=True, slots=True)
class ClockView:
    """The clock as it is shown at an instant.

    `left_by_days` and `left_by_hours` are office time until each deadline, negative once it has passed; `took` is
    office time from the start to the stop, suspensions apart.
    """

    deadlines: Deadlines
    left_by_days: timedelta
    left_by_hours: timedelta
    took: timedelta | None


def list_pauses(clock: Clock, at: datetime) -> tuple[Interval, ...]:
    """The suspensions as intervals that end at `at` at the latest: nothing after a stop puts a deadline back."""
    return tuple(Interval(one.since, min(one.until or at, at)) for one in clock.suspensions if one.since < at)


def view_clock(
    execution: Execution, working: WorkingTime, at: datetime, kept: Reading = Reading.JOURS
) -> ClockView | None:
    """The clock of an execution at an instant; None before it starts, or without a delay."""
    clock, hours = execution.clock, execution.runbook.delay_hours
    if clock.started_at is None or hours is None:
        return None
    end = clock.stopped_at or at
    pauses = list_pauses(clock, end)
    deadlines = find_deadlines(clock.started_at, hours, working, pauses, kept)
    paused = sum((measure_working_time(one.start, one.end, working) for one in pauses), timedelta())
    took = measure_working_time(clock.started_at, end, working) - paused
    return ClockView(
        deadlines,
        measure_left(end, deadlines.by_days, working),
        measure_left(end, deadlines.by_hours, working),
        took if clock.stopped_at else None,
    )


def measure_left(at: datetime, deadline: datetime, working: WorkingTime) -> timedelta:
    """Office time until a deadline, negative once it has passed."""
    if at <= deadline:
        return measure_working_time(at, deadline, working)
    return -measure_working_time(deadline, at, working)


def find_step_deadline(
    execution: Execution, step: Step, working: WorkingTime, at: datetime, kept: Reading = Reading.JOURS
) -> datetime | None:
    """Until when a step is to be done; None without a deadline, or before the clock starts."""
    if step.deadline_hours is None or execution.clock.started_at is None:
        return None
    pauses = list_pauses(execution.clock, at)
    return find_deadlines(execution.clock.started_at, step.deadline_hours, working, pauses, kept).binding
