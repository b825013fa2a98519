"""Live progress of a run in the terminal, read from its folder alone: it can be watched from anywhere."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nonreg.attempts import CLOSING_STARTED, STARTED, describe_attempt
from nonreg.busy import read_waiting
from nonreg.model import CampaignPlan, Outcome
from nonreg.screen import show, unguarded
from nonreg.store import CLOSING_EVENTS, END, GUARDS, PLAN, load_json, read_events

REFRESH_SECONDS = 0.2
CLOSING_STAGE = "Contrôles finaux"
WAITING_STAGE = "Attente"
SIGNS = {
    Outcome.OK: ("✔", "green"),
    Outcome.KO: ("✘", "red"),
    Outcome.INCONCLUSIF: ("?", "yellow"),
    Outcome.NON_EXECUTE: ("–", "yellow"),
    Outcome.NON_APPLICABLE: ("∅", "dim"),
    Outcome.MESURE: ("≈", "cyan"),
    Outcome.DEROGATION: ("!", "yellow"),
}


@dataclass(frozen=True, slots=True)
class Ended:
    """One attempt of a scenario that has a result."""

    scenario_id: str
    outcome: Outcome
    duration_seconds: float
    attempt: int = 1

    @property
    def remark(self) -> str:
        """What is said after it: which attempt it was, if not the first."""
        return f"  ({describe_attempt(self.attempt)})" if self.attempt > 1 else ""


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run is: scenarios planned, attempts finished in order, and the one under way."""

    total: int
    stage: str
    finished: tuple[Ended, ...]
    current: str
    ended: bool
    waiting: str = ""  # for whom, in French, before its turn on the platform has come

    @property
    def done(self) -> int:
        """How many scenarios have a result, however often they were tried."""
        return len({one.scenario_id for one in self.finished})

    @property
    def percent(self) -> float:
        """Share of the scenarios done, 0 to 100."""
        return 100.0 * self.done / self.total if self.total else 0.0

    @property
    def tally(self) -> str:
        """`63 OK  2 KO`, by last attempt; one that failed before it passed is counted as unstable too."""
        last = {one.scenario_id: one.outcome for one in self.finished}
        failed = {one.scenario_id for one in self.finished if not one.outcome.is_good}
        unstable = sum(last[scenario_id].is_passed for scenario_id in failed)
        counts = [f"{count} {name}" for name, count in Counter(one.value for one in last.values()).items()]
        return "  ".join([*counts, f"dont {unstable} instable(s)"] if unstable else counts)


def read_progress(run_dir: Path) -> Progress:
    """Progress of a run from what it has recorded so far."""
    if not (run_dir / PLAN).is_file():
        return Progress(0, "Préparation", (), "", False)
    plan = load_json(CampaignPlan, run_dir / PLAN)
    titles = {found.id: found.title for found in plan.scenarios}
    finished: list[Ended] = []
    running: dict[str, None] = {}  # several at once where they only read
    attempt, closing = 1, False
    for event in read_events(run_dir):
        if event["event"] == "scenario_started":
            running[event["scenario_id"]] = None
        elif event["event"] == CLOSING_EVENTS[0]:
            running = {event["scenario_id"]: None}
        elif event["event"] == "scenario_finished":
            finished.append(read_ended(event["result"]))
            running.pop(event["result"]["scenario_id"], None)
        elif event["event"] == STARTED:
            running = {}
            attempt = event["attempt"]
        elif event["event"] == CLOSING_STARTED:
            closing = True
    ended = (run_dir / END).is_file()
    going_on = CLOSING_STAGE if closing else describe_attempt(attempt) or "Exécution"
    stage = "Terminé" if ended else going_on if (run_dir / GUARDS).is_file() else "Gardes"
    label = describe_running(tuple(running), titles)
    label, waiting = show(label), "" if ended else show(read_waiting(run_dir))
    if waiting:
        stage, label = WAITING_STAGE, waiting
    return Progress(len(plan.scenarios), stage, tuple(finished), label, ended, waiting)


def describe_running(scenario_ids: tuple[str, ...], titles: Mapping[str, str]) -> str:
    """The one under way, or the first of several and how many more there are."""
    if not scenario_ids:
        return ""
    first, others = scenario_ids[0], len(scenario_ids) - 1
    return f"{first}{f' (+ {others})' if others else ''} {titles.get(first, '')}"


def read_ended(result: dict[str, Any]) -> Ended:
    """One recorded result as the progress shows it."""
    return Ended(
        result["scenario_id"],
        Outcome(result["outcome"]),
        result["duration_seconds"],
        result.get("attempt", 1),
    )


def watch_run(run_dir: Path, is_over: Callable[[], bool]) -> None:
    """Draw the run until it ends or `is_over()`; on a terminal a live bar, otherwise a line per scenario."""
    from rich.console import Console

    console = Console(file=unguarded(sys.stdout))
    if console.is_terminal:
        _watch_live(run_dir, is_over, console)
    else:
        _watch_lines(run_dir, is_over, console)


def _watch_live(run_dir: Path, is_over: Callable[[], bool], console: object) -> None:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    assert isinstance(console, Console)
    columns = (
        TextColumn("[bold]{task.fields[stage]:<11}"),
        BarColumn(bar_width=28),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[current]}", markup=False),
    )
    with Bar(*columns, console=console, transient=False) as bar:
        task = bar.add_task("", total=None, stage="Préparation", current="")
        shown, told = 0, ""
        while True:
            over = is_over()
            state = read_progress(run_dir)
            if state.waiting not in ("", told):
                told = state.waiting
                bar.console.print(f"  {WAITING_STAGE} : {told}", highlight=False, markup=False)
            for one in state.finished[shown:]:
                sign, colour = SIGNS[one.outcome]
                bar.console.print(
                    f"  [{colour}]{sign}[/] {one.scenario_id:<9} {one.outcome.value:<14} "
                    f"{one.duration_seconds:6.2f} s{one.remark}",
                    highlight=False,
                )
            shown = len(state.finished)
            bar.update(
                task,
                total=state.total or None,
                completed=state.done,
                stage=state.stage,
                current=(state.current or state.tally)[: max(20, console.width - 62)],
            )
            if over or state.ended:
                return
            time.sleep(REFRESH_SECONDS)


def _watch_lines(run_dir: Path, is_over: Callable[[], bool], console: object) -> None:
    from rich.console import Console

    assert isinstance(console, Console)
    shown, told = 0, ""
    while True:
        over = is_over()
        state = read_progress(run_dir)
        if state.waiting not in ("", told):
            told = state.waiting
            console.print(f"{WAITING_STAGE} : {told}", markup=False, highlight=False)
        for position, one in enumerate(state.finished[shown:], start=shown + 1):
            console.print(
                f"[{min(position, state.total)}/{state.total}] {one.scenario_id} {one.outcome.value} "
                f"{one.duration_seconds:.2f} s{one.remark}",
                markup=False,
                highlight=False,
            )
        shown = len(state.finished)
        if over or state.ended:
            return
        time.sleep(REFRESH_SECONDS)
