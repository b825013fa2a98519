"""The clock of an execution in words: what is left in both readings of « heures ouvrées », suspended, met or missed.

Deadlines and office time come computed: no calendar here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from nonreg.model.handover import Execution, Suspension
from reports import text
from reports.document import Cell
from reports.runbook_words import name_readings

DAYS = ("lun.", "mar.", "mer.", "jeu.", "ven.", "sam.", "dim.")
NOT_STARTED = "L'horloge n'est pas partie."
NO_DELAY = "Ce runbook n'a pas de délai."


@dataclass(frozen=True, slots=True)
class Due:
    """A deadline; `left` is office time from the moment shown (or the stop) until it, negative once it has passed."""

    deadline: datetime
    left: timedelta


@dataclass(frozen=True, slots=True)
class ClockReadings:
    """Both readings of one delay, and which binds; `took` is office time from start to stop, suspensions apart."""

    by_days: Due
    by_hours: Due
    took: timedelta | None = None
    binds_by_days: bool = True

    @property
    def binding(self) -> Due:
        """The one that is watched."""
        return self.by_days if self.binds_by_days else self.by_hours


class Fate(StrEnum):
    """What became of a deadline."""

    RUNNING = "en cours"
    OVER = "dépassée"
    MET = "tenue"
    MISSED = "manquée"
    UNANSWERED = "non mesurée"  # the execution was closed and the clock never stopped


FATES: dict[Fate, Cell] = {
    Fate.RUNNING: Cell("En cours", "▶", "info"),
    Fate.OVER: Cell("Dépassée", "✗", "ko"),
    Fate.MET: Cell("Tenue", "✔", "ok"),
    Fate.MISSED: Cell("Manquée", "✗", "ko"),
    Fate.UNANSWERED: Cell("Non mesurée", "?", "warn"),
}


def judge(execution: Execution, due: Due, at: datetime) -> Fate:
    """What became of a deadline at that moment."""
    stopped, closed = execution.clock.stopped_at, execution.closed_at
    if stopped is not None:
        return Fate.MET if stopped <= due.deadline else Fate.MISSED
    if closed is not None:
        return Fate.UNANSWERED if closed <= due.deadline else Fate.MISSED
    return Fate.RUNNING if at <= due.deadline else Fate.OVER


def list_readings(execution: Execution, readings: ClockReadings) -> tuple[tuple[str, Due], ...]:
    """Each reading by its name, the binding one first; one when both are the same."""
    by_days, by_hours = name_readings(execution.runbook.delay_hours or 0)
    if by_days == by_hours:
        return ((by_hours, readings.by_hours),)
    both = ((by_days, readings.by_days), (by_hours, readings.by_hours))
    return both if readings.binds_by_days else both[::-1]


def say_state(execution: Execution) -> str:
    """Return whether the clock runs: « L'horloge est suspendue depuis le …, par …, pour ce motif : … »."""
    clock = execution.clock
    if execution.runbook.delay_hours is None:
        return NO_DELAY
    if clock.started_at is None:
        return NOT_STARTED
    start = f"partie le {format_due(clock.started_at)}"
    if clock.stopped_at is not None:
        return f"L'horloge, {start}, s'est arrêtée le {format_due(clock.stopped_at)}."
    if execution.closed_at is not None:
        return f"L'horloge, {start}, ne s'est jamais arrêtée : l'exécution est close."
    if clock.is_suspended:
        return f"L'horloge, {start}, est suspendue {say_suspension(clock.suspensions[-1])}"
    return f"L'horloge est {start}, elle est en marche."


def say_suspension(pause: Suspension) -> str:
    """Return « depuis le lun. 30/11/2026 14:00, par titu, motif : … »."""
    by = f", par {pause.person}" if pause.person else ""
    until = f" jusqu'au {format_due(pause.until)}" if pause.until else ""
    word = "du" if pause.until else "depuis le"
    return f"{word} {format_due(pause.since)}{until}{by}, motif : {text.known(pause.reason)}"


def say_countdown(execution: Execution, readings: ClockReadings, at: datetime) -> tuple[str, ...]:
    """Return a sentence a reading: « Il reste 9 h 30 ouvrées, échéance mar. 01/12/2026 16:00 (…) »."""
    return tuple(
        f"{_say_left(execution, due, at)}, échéance {format_due(due.deadline)} ({name})"
        for name, due in list_readings(execution, readings)
    )


def _say_left(execution: Execution, due: Due, at: datetime) -> str:
    left = format_office(abs(due.left))
    match judge(execution, due, at):
        case Fate.RUNNING:
            verb = "À la reprise, il restera" if execution.clock.is_suspended else "Il reste"
            return f"{verb} {left}"
        case Fate.OVER:
            return f"Délai dépassé de {left}"
        case Fate.MET:
            return f"Délai tenu, il restait {left}"
        case Fate.MISSED:
            return f"Délai manqué de {left}"
        case Fate.UNANSWERED:
            return "Délai non mesuré"


def format_due(moment: datetime) -> str:
    """Return « mar. 01/12/2026 16:00 », on the clock of Paris."""
    return f"{DAYS[moment.astimezone(text.PARIS).weekday()]} {text.format_day(moment)}"


def format_office(duration: timedelta) -> str:
    """Return « 9 h 30 ouvrées »; hours are not folded into days, whose length is nowhere agreed."""
    minutes = int(duration.total_seconds() // 60)
    if minutes < 1:
        return "moins d'une minute ouvrée"
    hours, minutes = divmod(minutes, 60)
    if not hours:
        return f"{minutes}\u00a0min {'ouvrées' if minutes > 1 else 'ouvrée'}"
    shown = f"{hours}\u00a0h" + (f"\u00a0{minutes:02d}" if minutes else "")
    return f"{shown} {'ouvrées' if hours > 1 else 'ouvrée'}"
