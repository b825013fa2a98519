"""« integration_a_jour »: somebody was integrated, and what they acknowledged at O7 is what is installed today."""

from __future__ import annotations

from datetime import UTC, datetime

from nonreg.handover.activation import load_table
from nonreg.handover.checks import CheckResult, Point
from nonreg.handover.integrated import (
    find_complete,
    find_reading,
    list_integrations,
    list_points,
)
from nonreg.handover.runbook_file import find_runbook, list_runbooks
from nonreg.model.handover import Execution, Step
from tasks.handover_production import Production
from tasks.handover_sources import load_executions
from tasks.handover_work import Work


def check_integration(work: Work, execution: Execution, step: Step) -> Production:
    """Whether the person whom an activation is about was integrated, and may act on it yet."""
    executions, broken = load_executions(work)
    found = list_integrations(
        executions,
        subject=execution.subject,
        platform=work.platform.name,
        rehearsal=execution.rehearsal,
    )
    points = list_points(
        execution.subject,
        work.people,
        find_complete(found),
        find_reading(found),
        hash_runbooks(),
        load_table().integration,
        datetime.now(UTC),
    )
    unread = tuple(Point("Exécution illisible, laissée de côté", True, one) for one in broken)
    return Production(CheckResult((*points, *unread)))


def hash_runbooks() -> dict[str, str]:
    """SHA-256 of the file of each runbook, by its id."""
    return {name: find_runbook(name).sha256 for name in list_runbooks()}
