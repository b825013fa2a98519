"""Slower is only said when it is so: a stated rule, tried on steady, noisy, spiky and loaded machines."""

from __future__ import annotations

import dataclasses
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonreg.assess import assess
from nonreg.model import (
    BaselineMeasure,
    BaselineResult,
    Basis,
    Change,
    Criticality,
    History,
    Measure,
    MeasureHistory,
    Outcome,
    Verdict,
)
from nonreg.slowness import (
    GENERAL_SLOWDOWN,
    MIN_SAMPLES,
    find_general_slowdown,
    find_machine_factor,
    make_bound,
    make_bounds,
)
from tests.judgements import make_baseline, make_past_runs, make_run, make_timed

STEADY = [1.0, 1.02, 0.98, 1.01, 0.99, 1.0, 1.03, 0.97]
TIMES = st.lists(st.floats(0.001, 100), min_size=MIN_SAMPLES, max_size=30)


def judge(samples: list[float], since: list[float | None], now: float, unit: str = "s") -> Change:
    run, basis = make_timed(samples, since, now, unit)
    return assess(run, basis).findings[0].change


def test_a_time_above_its_bound_twice_running_is_slower_and_a_reserve() -> None:
    run, basis = make_timed(STEADY, [1.0, 2.0], 2.0)
    judged = assess(run, basis)
    assert judged.findings[0].change is Change.SLOWER
    assert judged.verdict is Verdict.OK_AVEC_RESERVES
    (slow,) = judged.findings[0].slower
    assert (slow.value, slow.samples) == (2.0, len(STEADY))
    assert slow.median == pytest.approx(1.0)
    assert slow.bound == pytest.approx(1.5)


def test_the_first_time_is_only_to_be_confirmed() -> None:
    run, basis = make_timed(STEADY, [1.0, 1.0], 2.0)
    found = assess(run, basis).findings[0]
    assert (found.change, found.slower) == (Change.SAME, ())
    assert [one.name for one in found.to_confirm] == ["temps"]


def test_a_campaign_that_did_not_take_the_time_neither_confirms_nor_forgets() -> None:
    assert judge(STEADY, [1.0, 2.0, None, None], 2.0) is Change.SLOWER
    assert judge(STEADY, [2.0, 1.0, None], 2.0) is Change.SAME


def test_fewer_than_eight_reference_values_judge_nothing() -> None:
    assert judge(STEADY[:3], [1.0, 1.0, 9.0], 9.0) is Change.SAME


def test_campaigns_after_the_promotion_complete_a_short_reference_and_never_replace_it() -> None:
    drifting: list[float | None] = [1.0, 1.0, 1.0, 1.0, 1.0] + [1.0 + n / 10 for n in range(20)]
    assert judge(STEADY[:3], drifting, 3.0) is Change.SLOWER


def test_a_slow_drift_of_many_months_is_found_although_the_history_only_goes_back_thirty_campaigns() -> None:
    nights = [1.01**night for night in range(200)]
    run, basis = make_timed([1.0], list(nights[-31:-1]), nights[-1])
    first = dataclasses.replace(basis.history.measures[0], values=tuple(nights[:24]))
    judged = assess(run, dataclasses.replace(basis, times=(first,)))
    assert judged.findings[0].change is Change.SLOWER


def test_the_values_kept_at_the_promotion_judge_even_without_any_history() -> None:
    run, basis = make_timed(STEADY, [], 99.0)
    found = assess(run, dataclasses.replace(basis, history=History(), times=())).findings[0]
    assert [one.name for one in found.to_confirm] == ["temps"]


def test_values_in_another_unit_are_no_reference() -> None:
    _, basis = make_timed(STEADY, [1.0] * 3, 90.0)
    seen = dataclasses.replace(basis.history.measures[0], unit="ms")
    assert make_bounds(basis.baseline, (seen,)) == {}


def test_a_general_slowdown_is_told_across_a_campaign_that_measured_too_little_to_tell() -> None:
    assert find_general_slowdown(3.0, (1.0, 3.0, None)) == 3.0
    assert find_general_slowdown(3.0, (3.0, 1.0, None)) == 1.0
    assert find_general_slowdown(3.0, (None,)) == 1.0
    assert find_general_slowdown(None, (3.0,)) == 1.0
    assert find_general_slowdown(GENERAL_SLOWDOWN - 0.1, (3.0,)) == 1.0


def test_a_figure_that_is_no_time_is_never_slower() -> None:
    assert judge(STEADY, [1.0, 90.0], 90.0, unit="octets") is Change.SAME


def test_a_few_milliseconds_more_are_nothing() -> None:
    assert judge([0.002] * 8, [0.03], 0.04) is Change.SAME


@given(TIMES, st.floats(0, 1))
def test_a_time_that_is_not_above_the_largest_usual_one_is_never_slower(
    samples: list[float], share: float
) -> None:
    bound = make_bound(samples, "s")
    assert bound is not None
    assert bound.upper >= bound.median * 1.5
    assert judge(samples, [bound.median * share], bound.median * (1 + share / 2)) is not Change.SLOWER


@given(TIMES)
def test_the_order_of_reference_values_does_not_matter(samples: list[float]) -> None:
    assert make_bound(samples, "s") == make_bound(sorted(samples), "s")


def make_night(
    samples: list[list[float]], before: list[float], now: list[float]
) -> tuple[Basis, tuple[Measure, ...]]:
    names = [f"temps {number}" for number in range(len(samples))]
    kept = tuple(
        BaselineMeasure(name, values[-1], "s", None, tuple(values))
        for name, values in zip(names, samples, strict=True)
    )
    history = History(
        runs=make_past_runs(1),
        measures=tuple(
            MeasureHistory("BASE-001", name, "s", (value,)) for name, value in zip(names, before, strict=True)
        ),
    )
    result = BaselineResult("BASE-001", "Essai", Criticality.MAJEURE, Outcome.OK, 0.1, kept)
    measures = tuple(Measure(name, value, "s") for name, value in zip(names, now, strict=True))
    return Basis(make_baseline({}, results=(result,)), history=history, times=history.measures), measures


def judge_night(basis: Basis, measures: tuple[Measure, ...]) -> tuple[Change, str]:
    run = make_run({1: (Criticality.MAJEURE, Outcome.OK)})
    run = dataclasses.replace(run, results=(dataclasses.replace(run.results[0], measures=measures),))
    judged = assess(run, basis)
    return judged.findings[0].change, " ".join(judged.reasons)


def test_a_loaded_machine_is_no_regression_of_each_scenario_but_a_lasting_one_is_told() -> None:
    samples = [[value * scale for value in STEADY] for scale in range(1, 8)]
    slow = [2.5 * scale for scale in range(1, 8)]
    basis, measures = make_night(samples, [1.0 * scale for scale in range(1, 8)], slow)
    assert judge_night(basis, measures) == (Change.SAME, "1 scénario(s) exécuté(s), aucun écart.")
    basis, measures = make_night(samples, slow, slow)
    change, reasons = judge_night(basis, measures)
    assert change is Change.SAME
    assert "Ralentissement général, deux campagnes de suite : × 2,5." in reasons


def test_one_slow_query_on_a_loaded_machine_is_still_found() -> None:
    samples = [[value * scale for value in STEADY] for scale in range(1, 8)]
    night = [2.0 * scale for scale in range(1, 7)] + [2.0 * 7 * 3]
    basis, measures = make_night(samples, night, night)
    assert judge_night(basis, measures)[0] is Change.SLOWER


def test_a_faster_machine_makes_no_time_look_slower() -> None:
    samples = [[value * scale for value in STEADY] for scale in range(1, 8)]
    basis, _ = make_night(samples, [1.0] * 7, [1.0] * 7)
    bounds = make_bounds(basis.baseline, basis.times)
    fast = {("BASE-001", f"temps {n}"): 0.1 for n in range(7)}
    assert find_machine_factor(fast, bounds) == 1.0


@pytest.mark.parametrize("seed", range(5))
def test_on_a_noisy_machine_fewer_than_one_campaign_in_fifty_cries_wolf(seed: int) -> None:
    """40 times a campaign, log-normal noise of 30 %, a fourfold spike once in a hundred: 200 nights each."""
    source = random.Random(seed)

    def take(scale: float) -> float:
        return scale * source.lognormvariate(0, 0.3) * (4 if source.random() < 0.01 else 1)

    scales = [0.1 * (number + 1) for number in range(40)]
    samples = [[take(scale) for _ in range(30)] for scale in scales]
    before = [take(scale) for scale in scales]
    alarms = 0
    for _ in range(200):
        now = [take(scale) for scale in scales]
        change, _ = judge_night(*make_night(samples, before, now))
        alarms += change is Change.SLOWER
        before = now
    assert alarms <= 4
