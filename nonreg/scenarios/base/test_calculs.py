"""BASE-013, 014: rain totals and gradients, computed and never stored. Golden values of DOMAIN §1.8."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from nonreg.bench import Bench
from nonreg.model import Criticality, Effect
from nonreg.recorder import scenario
from nonreg.witness import Witness

STEP = timedelta(minutes=5)
NOON = datetime(2026, 1, 10, 12, 0, tzinfo=UTC)
MIDNIGHT = datetime(2026, 1, 11, 0, 0, tzinfo=UTC)
AUTUMN = datetime(2026, 10, 25, 1, 30, tzinfo=UTC)  # 02:30 local, for the second time
SPRING = datetime(2027, 3, 28, 1, 30, tzinfo=UTC)  # 02:30 local does not exist
WRITES = Effect.WRITES_TEST_DATA


def expect_total(
    witness: Witness, trial: Bench, sensor: int, at: datetime, minutes: int, total: float, incomplete: bool
) -> None:
    """The rain total over the minutes before `at`, with its flag."""
    rows = trial.session.query("rain_total", sensor=sensor, at=at.replace(tzinfo=None), minutes=minutes)
    witness.expect_rows(rows, [(total, incomplete)])


@scenario(
    "BASE-013",
    "Cumul de pluie : zéros absents, manquante signalée, minuit et changements d'heure",
    Criticality.MAJEURE,
    WRITES,
    queries=("bench_create_station", "bench_store", "rain_total"),
)
def test_rain_totals(witness: Witness, trial: Bench) -> None:
    complete, with_gap, empty = (trial.create_station().rain for _ in range(3))
    trial.store(complete, [(NOON - 3 * STEP, 0.2), (NOON, 0.4)])
    trial.store(with_gap, [(NOON - 3 * STEP, 0.2), (NOON - STEP, None), (NOON, 0.4)])
    expect_total(witness, trial, complete, NOON, 60, 0.6, False)
    expect_total(witness, trial, with_gap, NOON, 60, 0.6, True)
    expect_total(witness, trial, empty, NOON, 60, 0, False)
    # Bounds: the oldest instant is outside, the last one inside; 5 minutes is one step.
    expect_total(witness, trial, complete, NOON, 5, 0.4, False)
    expect_total(witness, trial, complete, NOON, 15, 0.4, False)
    expect_total(witness, trial, complete, NOON, 20, 0.6, False)
    expect_total(witness, trial, with_gap, NOON + timedelta(hours=24), 24 * 60, 0, False)
    for around in (MIDNIGHT, AUTUMN, SPRING):
        sensor = trial.create_station().rain
        trial.store(sensor, [(around + position * STEP, 0.2) for position in range(-144, 145)])
        expect_total(witness, trial, sensor, around + 12 * STEP, 60, 2.4, False)
        expect_total(witness, trial, sensor, around + 144 * STEP, 24 * 60, 57.6, False)


@scenario(
    "BASE-014",
    "Gradient, y compris à travers un trou",
    Criticality.MAJEURE,
    WRITES,
    queries=("bench_create_station", "bench_store", "gradient"),
)
def test_gradients(witness: Witness, trial: Bench) -> None:
    sensor = trial.create_station().level
    trial.store(sensor, [(NOON - 12 * STEP, 500), (NOON - 6 * STEP, None), (NOON, 1250)])
    for minutes, expected, incomplete in ((60, 750, False), (30, None, True), (5, None, True)):
        rows = trial.session.query("gradient", sensor=sensor, at=NOON.replace(tzinfo=None), minutes=minutes)
        witness.expect_rows(rows, [(expected, incomplete)])
