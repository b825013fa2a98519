"""Which attempt a run is at, and what is tried again after it.

The first pass executes the whole plan. A retry is announced in the run's events before it begins, executes
whole scenarios in a fresh pytest process, and never replaces what was recorded before it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nonreg.model import CampaignPlan, Effect, Outcome
from nonreg.store import append_event, read_events

STARTED = "attempt_started"
RETRIED_OUTCOMES = (Outcome.KO, Outcome.INCONCLUSIF)
RETRIED_EFFECTS = (Effect.READ_ONLY, Effect.WRITES_TEST_DATA)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One pass over scenarios, in plan order; 1 is the campaign itself."""

    number: int
    scenario_ids: tuple[str, ...]


def choose_retries(plan: CampaignPlan, events: Iterable[dict[str, Any]], number: int) -> tuple[str, ...]:
    """Scenarios to try again as attempt `number`, in plan order.

    Those that ended KO or INCONCLUSIF in the attempt before, whole, and left the platform as they found it:
    what a scenario wrote is never repeated on top of something unproved.
    """
    ended = {
        event["result"]["scenario_id"]: event
        for event in events
        if event["event"] == "scenario_finished" and event["result"].get("attempt", 1) == number - 1
    }
    return tuple(
        scenario.id
        for scenario in plan.scenarios
        if scenario.id in ended
        and scenario.effect in RETRIED_EFFECTS
        and ended[scenario.id]["result"]["outcome"] in RETRIED_OUTCOMES
        and (scenario.effect is Effect.READ_ONLY or ended[scenario.id].get("restored") is True)
    )


def announce_attempt(run_dir: Path, attempt: Attempt) -> None:
    """Record what will be tried again, before it is."""
    append_event(
        run_dir,
        {
            "event": STARTED,
            "at": datetime.now(UTC).isoformat(),
            "attempt": attempt.number,
            "scenario_ids": list(attempt.scenario_ids),
        },
    )


def read_attempt(plan: CampaignPlan, run_dir: Path) -> Attempt:
    """The attempt to execute now: the last one announced, the whole plan when there is none."""
    current = Attempt(1, tuple(scenario.id for scenario in plan.scenarios))
    for event in read_events(run_dir):
        if event["event"] == STARTED:
            current = Attempt(event["attempt"], tuple(event["scenario_ids"]))
    return current


def describe_attempt(number: int) -> str:
    """`2e essai`; empty for the first one."""
    return "" if number == 1 else f"{number}e essai"
