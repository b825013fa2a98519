"""The clock of an execution, suspensions included."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from nonreg.handover.clock import find_step_deadline, view_clock
from nonreg.working_time import PARIS, WorkingTime
from tests.handover.executions import MOA, TITULAIRE, Played, make_played

OFFICE = WorkingTime()


def paris(text: str) -> datetime:
    return datetime.strptime(text, "%d/%m/%Y %H:%M").replace(tzinfo=PARIS)


@pytest.fixture
def played(tmp_path: Path) -> Played:
    return make_played(tmp_path)


def test_there_is_no_countdown_before_the_clock_starts(played: Played) -> None:
    assert view_clock(played.open(), OFFICE, paris("30/11/2026 10:00")) is None


def test_both_readings_count_down_in_office_time(played: Played) -> None:
    execution = played.reach("O1")  # asked on Monday at 10:00
    view = view_clock(execution, OFFICE, paris("30/11/2026 17:00"))
    assert view is not None
    assert view.deadlines.by_days == view.deadlines.binding == paris("02/12/2026 10:00")
    assert view.left_by_days == timedelta(hours=9)
    assert view.left_by_hours == timedelta(hours=43)
    assert view.took is None


def test_a_deadline_that_has_passed_is_told_by_how_much(played: Played) -> None:
    execution = played.reach("O1")
    view = view_clock(execution, OFFICE, paris("02/12/2026 15:00"))
    assert view is not None
    assert view.left_by_days == -timedelta(hours=3)


def test_what_is_suspended_does_not_count_down(played: Played) -> None:
    execution = played.reach("O1")
    execution = played.journal.suspend(
        execution, "VPN fermé par le SCV", TITULAIRE, paris("30/11/2026 15:00")
    )
    for later in ("30/11/2026 16:00", "01/12/2026 16:00"):
        view = view_clock(execution, OFFICE, paris(later))
        assert view is not None
        assert view.left_by_hours == timedelta(hours=45)
    execution = played.journal.resume(execution, TITULAIRE, paris("01/12/2026 10:00"))
    view = view_clock(execution, OFFICE, paris("01/12/2026 12:00"))
    assert view is not None
    assert view.left_by_hours == timedelta(hours=43)


def test_the_clock_stops_when_capability_is_confirmed_and_tells_what_it_took(played: Played) -> None:
    execution = played.reach("O4")
    at = paris("01/12/2026 15:00")
    signed = played.sign(execution, "O4", TITULAIRE, at=at)
    execution = played.answer(execution, "O4", TITULAIRE, at=at, signed=signed)
    view = view_clock(execution, OFFICE, paris("15/12/2026 15:00"))
    assert view is not None
    assert (view.took, view.left_by_days) == (timedelta(hours=10), timedelta(hours=4))


def test_what_it_took_does_not_count_the_suspensions(played: Played) -> None:
    execution = played.reach("O4")
    execution = played.journal.suspend(
        execution, "VPN fermé par le SCV", TITULAIRE, paris("30/11/2026 15:00")
    )
    execution = played.journal.resume(execution, TITULAIRE, paris("30/11/2026 17:00"))
    at = paris("01/12/2026 15:00")
    execution = played.answer(
        execution, "O4", TITULAIRE, at=at, signed=played.sign(execution, "O4", TITULAIRE, at=at)
    )
    view = view_clock(execution, OFFICE, at)
    assert view is not None
    assert view.took == timedelta(hours=8)


def test_a_step_has_its_own_deadline_once_the_clock_runs(played: Played) -> None:
    execution = played.open()
    step = execution.runbook.step("O4")
    assert step is not None
    assert find_step_deadline(execution, step, OFFICE, paris("30/11/2026 10:00")) is None
    execution = played.reach("O1")
    assert find_step_deadline(execution, step, OFFICE, paris("30/11/2026 17:00")) == paris("02/12/2026 10:00")
    first = execution.runbook.step("O1")
    assert first is not None
    assert find_step_deadline(execution, first, OFFICE, paris("30/11/2026 17:00")) is None


def test_an_answer_by_the_moa_moves_no_clock(played: Played) -> None:
    execution = played.answer(played.reach("O1"), "O1", MOA, reference="SCV-12", accord="oui")
    assert execution.clock.stopped_at is None
