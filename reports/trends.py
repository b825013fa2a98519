"""Small drawings of what changed or slowed down: one figure of one scenario over the campaigns."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from nonreg.model import Change, History, Slowdown
from reports import charts, labels, text
from reports.case import Case
from reports.document import Block, Cell, Chart, Charts, Column, Table

TRENDS_SHOWN = 8
CHANGED = (Change.REGRESSION, Change.UNSTABLE, Change.FIXED, Change.KNOWN_FAILURE)


@dataclass(frozen=True, slots=True)
class Series:
    """One figure of one scenario over the campaigns, this one last; None where it is not known."""

    case: Case
    name: str
    unit: str
    values: tuple[float | None, ...]
    slow: Slowdown | None = None


def show_trends(history: History, cases: Sequence[Case]) -> list[Block]:
    """Return the drawings with their numbers: slow measures first, then durations of what changed."""
    chosen = _choose_series(history, cases)
    if not chosen:
        return []
    shown = chosen[:TRENDS_SHOWN]
    left = len(chosen) - len(shown)
    note = f"… {text.plural(left, 'autre série', 'autres séries')}, voir la source JSON." if left > 0 else ""
    rows = tuple(_sum_series(series) for series in shown)
    columns = (
        Column("Scénario", 14),
        Column("Série", 30),
        Column("Valeurs", 9, numeric=True),
        Column("Minimum", 12, numeric=True),
        Column("Médiane", 12, numeric=True),
        Column("Maximum", 12, numeric=True),
        Column("Cette fois", 12, numeric=True),
    )
    drawings = tuple(_draw_series(series, f"graphique-serie-{n}") for n, series in enumerate(shown, 1))
    return [
        Charts(drawings, small=True),
        Table("Scénarios qui ont changé ou ralenti", columns, rows, note=note),
    ]


def _choose_series(history: History, cases: Sequence[Case]) -> list[Series]:
    """Return the measures that are slow, then the durations of the scenarios that changed."""
    measures = {(m.scenario_id, m.name): m.values for m in history.measures}
    durations = {past.scenario_id: past.durations for past in history.scenarios}
    slow, changed = [], []
    for case in cases:
        for found in (*case.finding.slower, *case.finding.to_confirm):
            values = (*measures.get((case.scenario.id, found.name), ()), found.value)
            slow.append(Series(case, found.name, found.unit, values, found))
        if case.finding.change in CHANGED and case.result and case.result.started_at:
            values = (*durations.get(case.scenario.id, ()), case.result.duration_seconds)
            changed.append(Series(case, "Durée du scénario", "s", values))
    return [series for series in (*slow, *changed) if sum(v is not None for v in series.values) > 2]


def _draw_series(series: Series, key: str) -> Chart:
    case, slow = series.case, series.slow
    name = text.shorten(f"{case.scenario.id}, {series.name}", 90, "…")
    levels = [charts.Level(slow.median, "médiane"), charts.Level(slow.bound, "borne")] if slow else []
    now = series.values[-1]
    said = f"{labels.CHANGES[case.finding.change].text}. Cette fois : {_say(now, series.unit)}."
    if slow:
        said += f" Médiane {_say(slow.median, slow.unit)}, borne {_say(slow.bound, slow.unit)}."
    return charts.draw_trend(series.values, key, name, said, _unit(series.unit), levels, small=True)


def _unit(unit: str) -> str:
    """A unit of the platform's is drawn only when the font surely can."""
    return unit if unit.isascii() and unit.isprintable() and len(unit) <= 6 else ""


def _say(value: float | None, unit: str) -> str:
    return text.NOT_KNOWN if value is None else text.format_quantity(value, unit)


def _sum_series(series: Series) -> tuple[Cell, ...]:
    past = [v for v in series.values[:-1] if v is not None and math.isfinite(v)]
    figures = (min(past), statistics.median(past), max(past)) if past else (None, None, None)
    return (
        Cell(series.case.scenario.id),
        Cell(text.shorten(series.name, 120)),
        Cell(str(len(past))),
        *(Cell(_say(figure, series.unit)) for figure in figures),
        Cell(_say(series.values[-1], series.unit)),
    )
