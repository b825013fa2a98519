"""Log lines shown with a failure: by our clock, up to the run's end, whatever the host's clock says."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonreg import environment as env
from nonreg.captured import Captured, HostClock, LogLine, parse_log
from nonreg.excerpts import AROUND, index_logs, make_windows
from nonreg.model import Basis, CampaignRun, Fact, Triage
from nonreg.triage import build_triage
from tests.run_samples import AT, make_result, make_run
from tests.test_triage import judge

RESULT = make_result("APP-001")  # from 01:31:00 to 01:31:02
SOURCE = "srv-a/client.log"


def log_at(*instants: datetime) -> tuple[LogLine, ...]:
    """A log with one line at each instant of the host's clock."""
    stamps = [f"{at:%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z" for at in instants]
    return parse_log("".join(f"{stamp} INFO à {stamp}\n" for stamp in stamps))


def triage(captured: Captured, *facts: Fact, run: CampaignRun | None = None) -> Triage:
    run = run or make_run(RESULT, facts=facts)
    (found,) = build_triage(run, Basis(), judge(run), captured)
    return found


def lines_of(found: Triage) -> list[str]:
    return [line for excerpt in found.logs for line in excerpt.lines]


FAILED_AT = AT + timedelta(minutes=1)
ADVANCE = timedelta(seconds=90)
CLOCK = HostClock("srv-a", "SITE-A", 90.0)


def test_a_host_that_is_ahead_shows_the_lines_of_the_same_true_moment() -> None:
    lines = log_at(FAILED_AT, FAILED_AT + ADVANCE)
    found = triage(Captured(logs=((SOURCE, lines),), clocks=(CLOCK,)))
    assert lines_of(found) == [lines[1].lines[0]]
    assert found.missing == ("srv-a : horloge en avance de 90,0 s, journaux recalés d'autant.",)


def test_a_host_that_is_late_shows_the_lines_of_the_same_true_moment() -> None:
    lines = log_at(FAILED_AT - ADVANCE, FAILED_AT)
    late = dataclasses.replace(CLOCK, ahead_seconds=-90.0)
    found = triage(Captured(logs=((SOURCE, lines),), clocks=(late,)))
    assert lines_of(found) == [lines[0].lines[0]]
    assert found.missing == ("srv-a : horloge en retard de 90,0 s, journaux recalés d'autant.",)


@pytest.mark.parametrize("value", ["90,0 s", "90.0 s"])
def test_an_offset_measured_when_the_run_began_serves_when_the_capture_has_none(value: str) -> None:
    lines = log_at(FAILED_AT, FAILED_AT + ADVANCE)
    unknown = dataclasses.replace(CLOCK, ahead_seconds=None)
    facts = (Fact("SITE-A", env.CLOCK_OFFSET, value), Fact("SITE-B", env.CLOCK_OFFSET, "0,0 s"))
    found = triage(Captured(logs=((SOURCE, lines),), clocks=(unknown,)), *facts)
    assert lines_of(found) == [lines[1].lines[0]]


def test_a_host_without_lines_whose_offset_is_unknown_is_named() -> None:
    unknown = dataclasses.replace(CLOCK, ahead_seconds=None)
    elsewhere = Captured(logs=((SOURCE, log_at(FAILED_AT + ADVANCE)),), clocks=(unknown,))
    found = triage(elsewhere, Fact("SITE-A", env.CLOCK_OFFSET, "n.d. (muet)"))
    assert found.logs == ()
    assert found.missing == (
        "srv-a : aucune ligne de journal autour de l'échec, et l'écart d'horloge de cet hôte est inconnu.",
    )
    known = dataclasses.replace(elsewhere, clocks=(dataclasses.replace(CLOCK, ahead_seconds=0.2),))
    assert triage(known).missing == ()


def test_a_host_with_lines_or_a_scenario_that_never_began_has_no_remark_on_its_clock() -> None:
    found = triage(Captured(logs=((SOURCE, log_at(FAILED_AT)),)))
    assert (len(lines_of(found)), found.missing) == (1, ())
    never = make_run(dataclasses.replace(RESULT, started_at=None))
    assert triage(Captured(logs=((SOURCE, log_at(FAILED_AT)),)), run=never).missing == ()


def test_lines_after_the_end_of_the_run_are_left_out() -> None:
    lines = log_at(FAILED_AT + timedelta(seconds=3), FAILED_AT + timedelta(seconds=4))
    captured = Captured(logs=((SOURCE, lines),))
    run = make_run(RESULT)
    ended = dataclasses.replace(run, ended_at=FAILED_AT + timedelta(seconds=3))
    assert lines_of(triage(captured, run=ended)) == [lines[0].lines[0]]
    cut_short = dataclasses.replace(run, ended_at=None)
    assert len(lines_of(triage(captured, run=cut_short))) == 2


@pytest.mark.parametrize("ahead", [1e300, -1e300, 1e9])
def test_an_impossible_offset_is_unknown(ahead: float) -> None:
    captured = Captured(
        logs=((SOURCE, log_at(FAILED_AT)),), clocks=(dataclasses.replace(CLOCK, ahead_seconds=ahead),)
    )
    assert len(lines_of(triage(captured))) == 1


@given(
    seconds=st.lists(st.integers(-120, 240), max_size=30),
    offset=st.integers(-100, 100),
    attempts=st.integers(1, 3),
)
def test_exactly_the_lines_around_an_attempt_are_found_in_any_order_of_the_file(
    seconds: list[int], offset: int, attempts: int
) -> None:
    results = [make_result("APP-001", attempt=number + 1) for number in range(attempts)]
    lines = log_at(*(AT + timedelta(seconds=one + offset) for one in seconds))
    (log,) = index_logs(Captured(logs=((SOURCE, lines),)), {"srv-a": float(offset)}, None)
    found = sorted(log.entries[place].at for place in log.find(make_windows(results)))
    around = AROUND.total_seconds()
    wanted = [
        one
        for one in seconds
        if any(60 * n - around <= one <= 60 * n + 2 + around for n in range(1, attempts + 1))
    ]
    assert found == sorted(AT + timedelta(seconds=one + offset) for one in wanted)
