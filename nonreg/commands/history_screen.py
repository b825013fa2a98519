"""The history as a terminal shows it: tables without lines, signs of outcomes, small trends.

On a screen it keeps to the width; in a pipe it is plain, and nothing is cut.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from nonreg.model import Cause, Verdict
from nonreg.screen import unguarded

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from nonreg.history import PastResult, UnstableScenario
    from nonreg.model import PastRun

PIPE_COLUMNS = 10_000
BLOCKS = "▁▂▃▄▅▆▇█"
NOT_PLANNED_SIGN = "·"
VERDICT_STYLES = {Verdict.OK: "green", Verdict.KO: "red"}


def table_of_runs(runs: Iterable[PastRun]) -> Table:
    """Campaigns, oldest first, at the hour of Paris."""
    from reports.labels import VERDICTS

    table = new_table("Début (Paris)", "Version", "Verdict", ">Prévus", ">OK", ">KO", ">Durée", "Ticket")
    for run in runs:
        table.add_row(
            format_start(run.started_at),
            clean(run.application_version),
            clean(VERDICTS[run.verdict].text, VERDICT_STYLES.get(run.verdict, "yellow")),
            *(str(run.planned), str(run.passed), str(run.failed)),
            format_seconds(run.duration_seconds, whole=True),
            clean(run.ticket),
        )
    return table


def table_of_unstable(found: Iterable[UnstableScenario]) -> Table:
    """Scenarios with their changes between good and not good, and the campaigns that tried them again."""
    table = new_table("Scénario", ">Changements", ">Reprises", ">Campagnes", "Résultats")
    for one in found:
        numbers = (str(one.flips), str(one.retried), str(len(one.outcomes)))
        table.add_row(clean(one.scenario_id), *numbers, draw_signs(one.outcomes))
    return table


def table_of_results(results: Iterable[PastResult]) -> Table:
    """One line a campaign, oldest first."""
    from reports.labels import CAUSES, CHANGES, OUTCOMES

    table = new_table("Début (Paris)", "Version", "Résultat", ">Durée", ">Essais", "Écart", "Cause")
    for one in results:
        found = one.result
        sign = draw_signs(found.outcome.letter)
        table.add_row(
            format_start(one.run.started_at),
            clean(one.run.application_version),
            sign.append(f" {OUTCOMES[found.outcome].text}", "default"),
            format_seconds(found.duration_seconds),
            str(found.attempts),
            CHANGES[found.change].text,
            CAUSES[Cause(found.cause)] if found.cause else "",
        )
    return table


def table_of_trends(results: Sequence[PastResult], room: int) -> Table:
    """Duration and measures over the campaigns, each with its least, greatest and last value."""
    from reports.text import format_quantity

    series: dict[tuple[str, str], list[float | None]] = {
        ("Durée", "s"): [one.result.duration_seconds for one in results]
    }
    limits: dict[tuple[str, str], float | None] = {}
    for position, one in enumerate(results):
        for figure in one.result.measures:
            key = (figure.name, figure.unit)
            series.setdefault(key, [None] * len(results))[position] = figure.value
            limits[key] = figure.limit
    table = new_table("Mesure", "Évolution", ">Minimum", ">Maximum", ">Dernière", ">Limite")
    for (name, unit), values in series.items():
        taken = [value for value in values if value is not None]
        if taken:
            figures = [format_quantity(v, unit) for v in (min(taken), max(taken), taken[-1])]
            limit = limits.get((name, unit))
            figures.append("" if limit is None else format_quantity(limit, unit))
            table.add_row(clean(name), draw_trend(values[-room:]), *map(clean, figures))
    return table


def draw_trend(values: Sequence[float | None]) -> str:
    """A bar a value from the least to the greatest, `·` where there is none."""
    taken = [value for value in values if value is not None]
    low, span = (min(taken), max(taken) - min(taken)) if taken else (0.0, 0.0)
    middle = BLOCKS[len(BLOCKS) // 2]
    return "".join(
        NOT_PLANNED_SIGN
        if value is None
        else BLOCKS[min(len(BLOCKS) - 1, int((value - low) / span * len(BLOCKS)))]
        if span
        else middle
        for value in values
    )


def draw_signs(letters: str) -> Text:
    """The signs of a campaign's progress for outcome letters."""
    from rich.text import Text

    from nonreg.history_records import OUTCOMES
    from nonreg.progress import SIGNS

    text = Text()
    for letter in letters:
        sign, colour = SIGNS[OUTCOMES[letter]] if letter in OUTCOMES else (NOT_PLANNED_SIGN, "dim")
        text.append(sign, colour)
    return text


def draw_legend(letters: str) -> Text:
    """The meaning of the signs that were drawn."""
    from rich.text import Text

    from nonreg.history_records import OUTCOMES
    from reports.labels import OUTCOMES as LABELS

    words = [(letter, LABELS[outcome].text) for letter, outcome in OUTCOMES.items() if letter in letters]
    words += [("-", "non prévu")] if "-" in letters else []
    legend = [draw_signs(letter).append(f" {word}", "default") for letter, word in words]
    return Text("   ").join(legend)


def new_table(*headings: str) -> Table:
    """A table without lines; a heading that begins with `>` is of a column of numbers."""
    from rich.table import Table

    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold")
    for heading in headings:
        right = heading.startswith(">")
        table.add_column(heading.removeprefix(">"), justify="right" if right else "left", overflow="fold")
    return table


def clean(text: str, style: str = "") -> Text:
    """A text from elsewhere as it may be printed: no control character, no markup."""
    from rich.text import Text

    return Text(shown(text), style)


def shown(text: str) -> str:
    """The text without anything that a terminal would obey."""
    from reports.text import show_unprintable

    return show_unprintable(text)


def format_start(at: datetime) -> str:
    """Day and hour of Paris."""
    from reports.text import format_day

    return format_day(at)


def format_seconds(seconds: float | None, whole: bool = False) -> str:
    """A duration, `–` where there is none."""
    from reports.text import format_duration, format_elapsed

    if seconds is None:
        return "–"
    return format_duration(seconds) if whole else format_elapsed(seconds)


def open_screen() -> Console:
    """A console that keeps what it is told; in a pipe as wide as needed, without colours."""
    from rich.console import Console

    real = Console(file=unguarded(sys.stdout))
    width = real.width if real.is_terminal else PIPE_COLUMNS
    return Console(
        file=io.StringIO(),
        width=width,
        force_terminal=real.is_terminal,
        color_system="standard" if real.color_system else None,
        markup=False,
        highlight=False,
        emoji=False,
    )


def print_screen(screen: Console) -> None:
    """Print it all at once; a reader that goes away (`| head`) is no error."""
    assert isinstance(screen.file, io.StringIO)
    lines = [line.rstrip() for line in screen.file.getvalue().splitlines()]
    try:
        # Each text in it was cleaned; colours are left.
        print("\n".join(lines), file=unguarded(sys.stdout), flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
