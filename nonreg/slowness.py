"""When a measured time is called slower: a stated rule that does not cry wolf on a noisy machine. Pure.

A time is above its bound when, divided by the machine's own slowness in that run, it passes

    median + max(6 × 1.4826 × median absolute deviation, 50 % of the median, 50 ms)

of its reference values: those kept at the promotion, completed up to 8 by the first campaigns after it, and
by no later one, so that a slow drift never becomes its own reference. It is SLOWER when it was above in the
campaign before too; the first time it is only to be confirmed: one spike in a hundred values would otherwise be
told every night.
The machine's slowness is the median, over at least 5 times, of value / median; it never makes a time look
slower, and a general slowdown of 1.5 in two campaigns running is told as such, not forgiven.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from nonreg.model import Baseline, History, Measure, MeasureHistory, Slowdown

MIN_SAMPLES = 8
MAD_FACTOR, MAD_TO_SIGMA = 6.0, 1.4826
RELATIVE_MARGIN = 0.5
MARGIN_BY_UNIT = {"s": 0.05, "ms": 50.0}  # only times are judged; the units are those of the scenarios
MIN_MEASURES_FOR_MACHINE = 5
GENERAL_SLOWDOWN = 1.5

Key = tuple[str, str]  # scenario id, measure name


@dataclass(frozen=True, slots=True)
class Bound:
    """Where a time stops being usual, from `samples` reference values."""

    median: float
    upper: float
    samples: int


def make_bound(samples: Iterable[float], unit: str) -> Bound | None:
    """The bound of a measure; None for fewer than 8 values or a unit that is no time."""
    values = list(samples)
    if len(values) < MIN_SAMPLES or unit not in MARGIN_BY_UNIT:
        return None
    median = statistics.median(values)
    deviation = statistics.median(abs(value - median) for value in values)
    margin = max(MAD_FACTOR * MAD_TO_SIGMA * deviation, RELATIVE_MARGIN * median, MARGIN_BY_UNIT[unit])
    return Bound(median, median + margin, len(values))


def make_bounds(baseline: Baseline | None, times: Iterable[MeasureHistory]) -> dict[Key, Bound]:
    """The bound of every measure that has one: values kept at the promotion, then the first ones after it."""
    if baseline is None:
        return {}
    after = {(one.scenario_id, one.name): one for one in times}
    units: dict[Key, str] = {key: one.unit for key, one in after.items()}
    samples: dict[Key, tuple[float, ...]] = {}
    for result in baseline.results:
        for measure in result.measures:
            key = (result.scenario_id, measure.name)
            if units.setdefault(key, measure.unit) == measure.unit:  # seconds say nothing of milliseconds
                samples[key] = measure.samples
    bounds = {}
    for key, unit in units.items():
        kept = samples.get(key, ())
        later = [value for value in after[key].values if value is not None] if key in after else []
        bound = make_bound((*kept, *later[: max(0, MIN_SAMPLES - len(kept))]), unit)
        if bound is not None:
            bounds[key] = bound
    return bounds


def find_machine_factor(values: Mapping[Key, float], bounds: Mapping[Key, Bound]) -> float | None:
    """How much slower than usual the whole machine was, at least 1; None when too little was measured."""
    ratios = [
        values[key] / bound.median for key, bound in bounds.items() if key in values and bound.median > 0
    ]
    if len(ratios) < MIN_MEASURES_FOR_MACHINE:
        return None
    return max(1.0, round(statistics.median(ratios), 3))


def find_past_factors(history: History, bounds: Mapping[Key, Bound]) -> tuple[float | None, ...]:
    """The machine's slowness in each campaign of the history, same order; None where it cannot be said."""
    values: list[dict[Key, float]] = [{} for _ in history.runs]
    for measure in history.measures:
        for taken, value in zip(values, measure.values, strict=True):
            if value is not None:
                taken[measure.scenario_id, measure.name] = value
    return tuple(find_machine_factor(taken, bounds) for taken in values)


def find_general_slowdown(factor: float | None, before: Iterable[float | None]) -> float:
    """The machine's slowness when it was general in two campaigns running that could tell it, otherwise 1."""
    told = [one for one in before if one is not None][-1:]
    if factor is None or not told or min(factor, *told) < GENERAL_SLOWDOWN:
        return 1.0
    return factor


def find_slow_before(
    history: History, bounds: Mapping[Key, Bound], factors: tuple[float | None, ...]
) -> frozenset[Key]:
    """Times that were above their bound in the last campaign that took them."""
    slow = set()
    for measure in history.measures:
        key = (measure.scenario_id, measure.name)
        taken = [
            (value, factor or 1.0)
            for value, factor in zip(measure.values, factors, strict=True)
            if value is not None
        ]
        if taken and key in bounds and taken[-1][0] / taken[-1][1] > bounds[key].upper:
            slow.add(key)
    return frozenset(slow)


def find_slow(
    measures: Mapping[str, tuple[Measure, ...]], bounds: Mapping[Key, Bound], factor: float
) -> dict[str, tuple[Slowdown, ...]]:
    """By scenario, the times above their bound once the machine's slowness is taken out."""
    slow = {}
    for scenario_id, taken in measures.items():
        above = tuple(
            Slowdown(one.name, one.value, one.unit, bound.median, bound.upper, bound.samples)
            for one in taken
            if (bound := bounds.get((scenario_id, one.name))) is not None and one.value / factor > bound.upper
        )
        if above:
            slow[scenario_id] = above
    return slow
