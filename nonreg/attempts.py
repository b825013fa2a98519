"""Which attempt a run is at, what is tried again after it, and the closing checks at the very end.

The first pass executes the whole plan. A retry is announced in the run's events before it begins, executes
whole scenarios in a fresh pytest process, and never replaces what was recorded before it. The closing checks
that prove a platform left as found are announced in the same way; their events have names of their own, so
that nobody takes them for results of the plan.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nonreg.model import CampaignPlan, Effect, Outcome
from nonreg.store import CLOSING_EVENTS, SCENARIO_EVENTS, append_event, read_events

STARTED, CLOSING_STARTED = "attempt_started", "closing_started"
RETRIED_OUTCOMES = (Outcome.KO, Outcome.INCONCLUSIF)
RETRIED_EFFECTS = (Effect.READ_ONLY, Effect.WRITES_TEST_DATA)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One pass over scenarios, in plan order; 1 is the campaign itself. `closing` for the checks after drills."""

    number: int
    scenario_ids: tuple[str, ...]
    closing: bool = False

    @property
    def events(self) -> tuple[str, str]:
        """Names of the events by which a scenario of it starts and ends."""
        return CLOSING_EVENTS if self.closing else SCENARIO_EVENTS


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
    """Record what will be executed next, before it is."""
    append_event(
        run_dir,
        {
            "event": CLOSING_STARTED if attempt.closing else STARTED,
            "at": datetime.now(UTC).isoformat(),
            "attempt": attempt.number,
            "scenario_ids": list(attempt.scenario_ids),
        },
    )


def read_attempt(plan: CampaignPlan, run_dir: Path) -> Attempt:
    """The attempt to execute now: the last one announced, the whole plan when there is none."""
    current = Attempt(1, tuple(scenario.id for scenario in plan.scenarios))
    for event in read_events(run_dir):
        if event["event"] in (STARTED, CLOSING_STARTED):
            closing = event["event"] == CLOSING_STARTED
            current = Attempt(event["attempt"], tuple(event["scenario_ids"]), closing)
    return current


def describe_attempt(number: int) -> str:
    """`2e essai`; empty for the first one."""
    return "" if number == 1 else f"{number}e essai"
