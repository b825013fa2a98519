"""The clock of an execution as reports take it: both readings, counted in office time. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from nonreg.delays import Reading, measure_working_time
from nonreg.handover.clock import view_clock
from nonreg.model.handover import Execution
from nonreg.working_time import WorkingTime
from reports.delay import ClockReadings, Due


def read_clock(
    execution: Execution, working: WorkingTime, at: datetime, kept: Reading = Reading.JOURS
) -> ClockReadings | None:
    """Both deadlines at an instant, with what is left; None before the clock starts, or without a delay."""
    end = execution.closed_at or at
    view = view_clock(execution, working, end, kept)
    if view is None:
        return None
    end = execution.clock.stopped_at or end
    by_days, by_hours = (
        Due(deadline, _measure_left(end, deadline, working))
        for deadline in (view.deadlines.by_days, view.deadlines.by_hours)
    )
    return ClockReadings(by_days, by_hours, view.took, view.deadlines.kept is Reading.JOURS)


def _measure_left(end: datetime, deadline: datetime, working: WorkingTime) -> timedelta:
    if end <= deadline:
        return measure_working_time(end, deadline, working)
    return -measure_working_time(deadline, end, working)
