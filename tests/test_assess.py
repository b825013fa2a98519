"""The judgement, by its invariants: whatever is recorded, the worst wins and nothing missing helps."""

from __future__ import annotations

import dataclasses
import random
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from nonreg.assess import GOOD, assess
from nonreg.model import (
    CampaignPlan,
    CampaignRun,
    Change,
    Criticality,
    Effect,
    Family,
    GuardResult,
    GuardStatus,
    Nature,
    Outcome,
    PlatformIdentity,
    Scenario,
    ScenarioResult,
    Verdict,
)

AT = datetime(2026, 11, 23, 1, 30, tzinfo=UTC)
PLATFORM = PlatformIdentity("essai", "Essai", Nature.TEST, "5.2.0", "jeu", ("SITE-A (ACTIF)",))
RECORDED = st.dictionaries(
    st.integers(1, 12),
    st.tuples(st.sampled_from(Criticality), st.none() | st.sampled_from(Outcome)),
    max_size=10,
)


def make_run(recorded: dict[int, tuple[Criticality, Outcome | None]], **changes: object) -> CampaignRun:
    """A finished run whose scenarios have these criticalities and outcomes; None was never recorded."""
    scenarios = tuple(
        Scenario(f"BASE-{number:03}", "Essai", Family.BASE, criticality, Effect.READ_ONLY, 60.0)
        for number, (criticality, _) in recorded.items()
    )
    plan = CampaignPlan(
        "essai", "0", PLATFORM, "AQ-1", "moi", AT, (Family.BASE,), "", scenarios, "0", "0", "commande"
    )
    results = tuple(
        ScenarioResult(f"BASE-{number:03}", outcome)
        for number, (_, outcome) in recorded.items()
        if outcome is not None
    )
    failed = any(result.outcome not in GOOD for result in results)
    run = CampaignRun(plan, (), (), results, AT, AT, 1 if failed else 0)
    return dataclasses.replace(run, **changes)  # type: ignore[arg-type]


@given(RECORDED)
def test_a_ko_makes_the_campaign_ko(recorded: dict[int, tuple[Criticality, Outcome | None]]) -> None:
    verdict = assess(make_run(recorded), {}).verdict
    assert (verdict is Verdict.KO) == any(outcome is Outcome.KO for _, outcome in recorded.values())


@given(RECORDED, st.randoms(use_true_random=False))
def test_the_order_of_results_does_not_matter(
    recorded: dict[int, tuple[Criticality, Outcome | None]], shuffler: random.Random
) -> None:
    run = make_run(recorded)
    shuffled = list(run.results)
    shuffler.shuffle(shuffled)
    assert assess(dataclasses.replace(run, results=tuple(shuffled)), {}) == assess(run, {})


@given(RECORDED, st.data())
def test_losing_a_result_never_improves_the_verdict_of_what_passed(
    recorded: dict[int, tuple[Criticality, Outcome | None]], data: st.DataObject
) -> None:
    passed = [number for number, (_, outcome) in recorded.items() if outcome in (*GOOD, Outcome.INCONCLUSIF)]
    if not passed:
        return
    number = data.draw(st.sampled_from(passed))
    before = assess(make_run(recorded), {}).verdict
    after = assess(make_run({**recorded, number: (recorded[number][0], None)}), {}).verdict
    assert after.severity >= before.severity


@given(RECORDED)
def test_every_planned_scenario_has_one_finding_in_plan_order(
    recorded: dict[int, tuple[Criticality, Outcome | None]],
) -> None:
    run = make_run(recorded)
    findings = assess(run, {}).findings
    assert [found.scenario_id for found in findings] == [planned.id for planned in run.plan.scenarios]
    for found, (_, outcome) in zip(findings, recorded.values(), strict=True):
        assert (found.change is Change.MISSING) == (outcome is None)


@given(RECORDED)
def test_unjudged_major_scenarios_forbid_ok_and_minor_ones_make_a_reserve(
    recorded: dict[int, tuple[Criticality, Outcome | None]],
) -> None:
    unjudged = [
        criticality
        for criticality, outcome in recorded.values()
        if outcome in (None, Outcome.INCONCLUSIF, Outcome.NON_EXECUTE)
    ]
    verdict = assess(make_run(recorded), {}).verdict
    if any(criticality is not Criticality.MINEURE for criticality in unjudged):
        assert verdict.severity >= Verdict.INCOMPLET.severity
    elif unjudged:
        assert verdict.severity >= Verdict.OK_AVEC_RESERVES.severity


ALL_OK: dict[int, tuple[Criticality, Outcome | None]] = {1: (Criticality.MAJEURE, Outcome.OK)}


def test_all_scenarios_ok_is_ok() -> None:
    assert assess(make_run(ALL_OK), {}).verdict is Verdict.OK


def test_nothing_planned_is_never_ok() -> None:
    assert assess(make_run({}), {}).verdict is Verdict.INCOMPLET


def test_a_refused_or_unasked_guard_makes_the_campaign_incomplete() -> None:
    for status in (GuardStatus.REFUSED, GuardStatus.UNKNOWN, GuardStatus.NOT_ASKED):
        run = make_run(ALL_OK, guards=(GuardResult("PRE-01", "Cible", status, "non"),))
        assert assess(run, {}).verdict is Verdict.INCOMPLET


def test_an_interrupted_run_is_incomplete() -> None:
    run = make_run(ALL_OK, ended_at=None, pytest_exit=None, interruption="coupé")
    assert assess(run, {}).verdict is Verdict.INCOMPLET


def test_any_other_pytest_exit_than_0_and_1_is_incomplete() -> None:
    for code in (2, 3, 4, 5, -9, None):
        assert assess(make_run(ALL_OK, pytest_exit=code), {}).verdict is Verdict.INCOMPLET


def test_a_failure_that_no_scenario_recorded_is_incomplete() -> None:
    assert assess(make_run(ALL_OK, pytest_exit=1), {}).verdict is Verdict.INCOMPLET


def test_a_measure_without_limit_and_a_scenario_without_object_are_no_reserve() -> None:
    recorded: dict[int, tuple[Criticality, Outcome | None]] = {
        1: (Criticality.BLOQUANTE, Outcome.MESURE),
        2: (Criticality.BLOQUANTE, Outcome.NON_APPLICABLE),
    }
    assert assess(make_run(recorded), {}).verdict is Verdict.OK


def test_a_waiver_is_a_reserve() -> None:
    recorded: dict[int, tuple[Criticality, Outcome | None]] = {1: (Criticality.MAJEURE, Outcome.DEROGATION)}
    assert assess(make_run(recorded, pytest_exit=1), {}).verdict is Verdict.OK_AVEC_RESERVES


def test_the_baseline_tells_regressions_from_known_states() -> None:
    recorded: dict[int, tuple[Criticality, Outcome | None]] = {
        number: (Criticality.MAJEURE, outcome)
        for number, outcome in enumerate(
            (Outcome.KO, Outcome.OK, Outcome.OK, Outcome.KO, Outcome.OK), start=1
        )
    }
    before = {
        "BASE-001": Outcome.OK,
        "BASE-002": Outcome.KO,
        "BASE-003": Outcome.OK,
        "BASE-004": Outcome.KO,
    }
    changes = [found.change for found in assess(make_run(recorded), before).findings]
    assert changes == [Change.REGRESSION, Change.FIXED, Change.SAME, Change.SAME, Change.NEW]
