"""Live progress of a run in the terminal, read from its folder alone: it can be watched from anywhere."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from nonreg.model import CampaignPlan, Outcome
from nonreg.store import END, GUARDS, PLAN, load_json, read_events

REFRESH_SECONDS = 0.2
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
class Progress:
    """Where a run is: scenarios planned, finished by outcome in order, and the one under way."""

    total: int
    stage: str
    finished: tuple[tuple[str, Outcome, float], ...]
    current: str
    ended: bool

    @property
    def done(self) -> int:
        """How many scenarios have a result."""
        return len(self.finished)

    @property
    def percent(self) -> float:
        """Share done, 0 to 100."""
        return 100.0 * self.done / self.total if self.total else 0.0


def read_progress(run_dir: Path) -> Progress:
    """Progress of a run from what it has recorded so far."""
    if not (run_dir / PLAN).is_file():
        return Progress(0, "Préparation", (), "", False)
    plan = load_json(CampaignPlan, run_dir / PLAN)
    titles = {found.id: found.title for found in plan.scenarios}
    finished: list[tuple[str, Outcome, float]] = []
    current = ""
    for event in read_events(run_dir):
        if event["event"] == "scenario_started":
            current = event["scenario_id"]
        else:
            result = event["result"]
            finished.append((result["scenario_id"], Outcome(result["outcome"]), result["duration_seconds"]))
            current = ""
    ended = (run_dir / END).is_file()
    stage = "Terminé" if ended else "Exécution" if (run_dir / GUARDS).is_file() else "Gardes"
    label = f"{current} {titles.get(current, '')}" if current else ""
    return Progress(len(plan.scenarios), stage, tuple(finished), label, ended)


def watch_run(run_dir: Path, is_over: Callable[[], bool]) -> None:
    """Draw the run until it ends or `is_over()`; on a terminal a live bar, otherwise a line per scenario."""
    from rich.console import Console

    console = Console()
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
        shown = 0
        while True:
            over = is_over()
            state = read_progress(run_dir)
            for scenario_id, outcome, seconds in state.finished[shown:]:
                sign, colour = SIGNS[outcome]
                bar.console.print(
                    f"  [{colour}]{sign}[/] {scenario_id:<9} {outcome.value:<14} {seconds:6.2f} s",
                    highlight=False,
                )
            shown = state.done
            tally = "  ".join(
                f"{count} {name}" for name, count in Counter(o.value for _, o, _ in state.finished).items()
            )
            bar.update(
                task,
                total=state.total or None,
                completed=state.done,
                stage=state.stage,
                current=(state.current or tally)[: max(20, console.width - 62)],
            )
            if over or state.ended:
                return
            time.sleep(REFRESH_SECONDS)


def _watch_lines(run_dir: Path, is_over: Callable[[], bool], console: object) -> None:
    from rich.console import Console

    assert isinstance(console, Console)
    shown = 0
    while True:
        over = is_over()
        state = read_progress(run_dir)
        for position, (scenario_id, outcome, seconds) in enumerate(state.finished[shown:], start=shown + 1):
            console.print(
                f"[{position}/{state.total}] {scenario_id} {outcome.value} {seconds:.2f} s",
                markup=False,
                highlight=False,
            )
        shown = state.done
        if over or state.ended:
            return
        time.sleep(REFRESH_SECONDS)
