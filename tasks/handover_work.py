"""What the steps of one execution work with, and where its clock stands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from nonreg.basis import load_platform_people
from nonreg.config import Platform, load_platform
from nonreg.delays import Reading
from nonreg.errors import UsageError
from nonreg.handover.clock import view_clock
from nonreg.handover.journal import Journal
from nonreg.model.handover import Execution
from nonreg.people import People
from reports.delay import ClockReadings, Due


@dataclass(frozen=True, slots=True)
class Work:
    """Everything that the steps of one execution need; `platform_name` is how campaigns name the platform."""

    journal: Journal
    platform: Platform
    platform_name: str
    people: People

    @property
    def runs_dir(self) -> Path:
        """Where runs and executions are kept."""
        return self.journal.runs_dir


def make_work(platform_name: str, runs_dir: Path) -> Work:
    """The platform, its people, and the ledger; UsageError where nobody decides."""
    platform = load_platform(platform_name)
    people = load_platform_people(platform)
    if people is None:
        raise UsageError(
            f"La plateforme « {platform.name} » n'a pas de dossier « governance » : personne n'y est habilité."
        )
    return Work(Journal(runs_dir, people), platform, platform_name, people)


def read_clock(work: Work, execution: Execution, at: datetime) -> ClockReadings | None:
    """The clock as pages and artifacts show it; None before it starts, or without a delay."""
    view = view_clock(execution, work.platform.working_time, execution.closed_at or at)
    if view is None:
        return None
    return ClockReadings(
        Due(view.deadlines.by_days, view.left_by_days),
        Due(view.deadlines.by_hours, view.left_by_hours),
        view.took,
        view.deadlines.kept is Reading.JOURS,
    )
