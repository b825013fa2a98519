"""Runs and bases for the tests of the judgement: small, and complete enough to be saved and judged."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta

from nonreg.model import (
    Baseline,
    BaselineMeasure,
    BaselineResult,
    Basis,
    CampaignPlan,
    CampaignRun,
    Criticality,
    DrillStage,
    Effect,
    Failure,
    Family,
    History,
    Measure,
    MeasureHistory,
    Nature,
    Outcome,
    PastRun,
    PlannedDrill,
    PlatformIdentity,
    Scenario,
    ScenarioHistory,
    ScenarioResult,
    Verdict,
    Waiver,
)

AT = datetime(2026, 11, 23, 1, 30, tzinfo=UTC)
PLATFORM = PlatformIdentity("essai", "Essai", Nature.TEST, "5.2.0", "jeu", ("SITE-A (ACTIF)",))
Recorded = dict[int, tuple[Criticality, Outcome | None]]


def name_id(number: int) -> str:
    return f"BASE-{number:03}"


def make_result(scenario_id: str, outcome: Outcome, **changes: object) -> ScenarioResult:
    """A result as the recorder would make it."""
    failure = None if outcome.is_good else Failure.ECART
    result = ScenarioResult(scenario_id, outcome, failure=failure, started_at=AT)
    return dataclasses.replace(result, **changes)  # type: ignore[arg-type]


def make_run(recorded: Recorded, **changes: object) -> CampaignRun:
    """A finished run whose scenarios have these criticalities and outcomes; None was never recorded."""
    scenarios = tuple(
        Scenario(name_id(number), "Essai", Family.BASE, criticality, Effect.READ_ONLY, 60.0)
        for number, (criticality, _) in recorded.items()
    )
    plan = CampaignPlan(
        "essai", "0", PLATFORM, "AQ-1", "moi", AT, (Family.BASE,), "", scenarios, "0", "0", "commande"
    )
    results = tuple(
        make_result(name_id(number), outcome)
        for number, (_, outcome) in recorded.items()
        if outcome is not None
    )
    failed = any(not result.outcome.is_good for result in results)
    run = CampaignRun(plan, (), (), results, AT, AT, 1 if failed else 0)
    return dataclasses.replace(run, **changes)  # type: ignore[arg-type]


def name_closing(number: int) -> str:
    return f"HD-{number:03}"


def add_drills(
    run: CampaignRun, closing: dict[int, Outcome | None], healed: tuple[str, ...] = ()
) -> CampaignRun:
    """The run with a drill in its plan, and closing checks with these outcomes; None was never recorded."""
    checks = tuple(
        Scenario(name_closing(number), "Essai", Family.HD, Criticality.MINEURE, Effect.READ_ONLY, 60.0)
        for number in closing
    )
    drill = PlannedDrill("HD-915", "Essai", DrillStage.SECOURS, (), (), "0")
    results = tuple(
        make_result(name_closing(number), outcome)
        for number, outcome in closing.items()
        if outcome is not None
    )
    plan = dataclasses.replace(run.plan, drills=(drill,), closing=checks)
    return dataclasses.replace(run, plan=plan, closing=results, healed=healed)


def make_baseline(
    outcomes: dict[str, Outcome], criticality: Criticality = Criticality.MAJEURE, **changes: object
) -> Baseline:
    """A promoted baseline with these outcomes."""
    results = tuple(
        BaselineResult(key, "Essai", criticality, outcome, 0.1) for key, outcome in outcomes.items()
    )
    baseline = Baseline(
        1, "essai", "5.2.0", "avant", AT - timedelta(days=30), Verdict.OK, "jeu", "", (), (), results, ()
    )
    return dataclasses.replace(baseline, **changes)  # type: ignore[arg-type]


def make_basis(
    outcomes: dict[str, Outcome] | None = None,
    criticality: Criticality = Criticality.MAJEURE,
    **changes: object,
) -> Basis:
    """A basis whose baseline has these outcomes; nothing else stands out."""
    return dataclasses.replace(Basis(make_baseline(outcomes or {}, criticality)), **changes)  # type: ignore[arg-type]


def make_waiver(scenario_id: str, expires_at: datetime = AT + timedelta(days=1)) -> Waiver:
    return Waiver(scenario_id, "connu", "AQ-7", "titulaire", "D-0123456789ab", expires_at)


def make_history(letters: dict[str, str]) -> History:
    """A history in which each scenario has these outcome letters, one campaign a night."""
    count = max((len(text) for text in letters.values()), default=0)
    return History(
        runs=make_past_runs(count),
        scenarios=tuple(
            ScenarioHistory(key, text.rjust(count, "-"), (0.1,) * count) for key, text in letters.items()
        ),
    )


def make_past_runs(count: int) -> tuple[PastRun, ...]:
    """Campaigns of the nights before, oldest first."""
    return tuple(
        PastRun(f"nuit-{n}", "5.2.0", AT - timedelta(days=count - n), 60.0, Verdict.OK, "AQ-1", 1, 1, 0)
        for n in range(count)
    )


def make_timed(
    samples: list[float], since: list[float | None], now: float, unit: str = "s"
) -> tuple[CampaignRun, Basis]:
    """A run of one scenario with one time; its values up to the promotion, in the nights since, and now."""
    run = make_run({1: (Criticality.MAJEURE, Outcome.OK)})
    taken = dataclasses.replace(run.results[0], measures=(Measure("temps", now, unit, 100.0),))
    kept = BaselineMeasure("temps", samples[-1] if samples else now, unit, 100.0, tuple(samples))
    result = BaselineResult(name_id(1), "Essai", Criticality.MAJEURE, Outcome.OK, 0.1, (kept,))
    history = History(
        runs=make_past_runs(len(since)),
        scenarios=(ScenarioHistory(name_id(1), "O" * len(since), (0.1,) * len(since)),),
        measures=(MeasureHistory(name_id(1), "temps", unit, tuple(since)),),
    )
    basis = Basis(make_baseline({}, results=(result,)), history=history, times=history.measures)
    return dataclasses.replace(run, results=(taken,)), basis
