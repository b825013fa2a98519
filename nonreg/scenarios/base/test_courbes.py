"""BASE-009…012: rating curves. Golden values of DOMAIN §1.8; h in mm, q in l/s, barrage in m and m3/s."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from nonreg.bench import Bench, TestStation
from nonreg.model import Criticality, Effect
from nonreg.recorder import scenario
from nonreg.witness import Witness

POINTS = ((300, 2000), (500, 8000), (1000, 45000), (2000, 220000), (3000, 520000), (5000, 1600000))
POINT_GOLDEN = (
    (300, 2000.0),
    (470, 7100.0),
    (1500, 132500.0),
    (2750, 445000.0),
    (5000, 1600000.0),
    (299, None),
    (5001, None),
)
BARRAGE = (12.5, -0.20, 1.65)
BARRAGE_GOLDEN = ((0.50, 1.71459), (1.20, 12.5), (3.00, 68.34721), (0.20, None), (0.10, None))
PUISSANCE = (12.5, None, 1.65)
PUISSANCE_GOLDEN = ((1.0, 12.5), (0.30, 1.714590), (2.8, 68.347214), (0.0, None))
START, STOP = datetime(2020, 1, 1, tzinfo=UTC), datetime(2040, 1, 1, tzinfo=UTC)
AT = datetime(2026, 1, 10, 12, 0, tzinfo=UTC)
WRITES = Effect.WRITES_TEST_DATA


def create_curve(
    bench: Bench,
    station: TestStation,
    law: str,
    coefficients: tuple[float | None, float | None, float | None] = (None, None, None),
    downstream: int | None = None,
    start: datetime = START,
    stop: datetime = STOP,
) -> int:
    """A new curve of a test station; its id."""
    a, b, c = coefficients
    made = bench.call(
        "bench_create_curve",
        sensor=station.level,
        law=law,
        start=start.replace(tzinfo=None),
        stop=stop.replace(tzinfo=None),
        a=a,
        b=b,
        c=c,
        downstream=downstream,
    )
    return int(made.scalar())


def add_points(
    bench: Bench, curve: int, points: tuple[tuple[float, float], ...], downstream_mm: float = 0
) -> None:
    """Points (h mm, q l/s) of a curve, for one downstream level."""
    for level, discharge in points:
        bench.call(
            "bench_add_point",
            curve=curve,
            level_mm=level,
            discharge_ls=discharge,
            downstream_mm=downstream_mm,
        )


def expect_discharges(
    witness: Witness,
    bench: Bench,
    station: TestStation,
    golden: tuple[tuple[float, float | None], ...],
    scale: float,
) -> None:
    """Store each level five minutes apart and compare the computed discharges, divided by `scale`."""
    levels = [level * (1000 if scale == 1000 else 1) for level, _ in golden]
    times = [AT + timedelta(minutes=5 * position) for position in range(len(golden))]
    bench.store(station.level, list(zip(times, levels, strict=True)))
    rows = bench.session.query(
        "discharges",
        sensor=station.level,
        start=times[0].replace(tzinfo=None),
        stop=times[-1].replace(tzinfo=None),
    )
    witness.expect_equal(len(rows.rows), len(golden), rows.request)
    for (level, expected), (_, _, found) in zip(golden, sorted(rows.rows), strict=True):
        value = None if found is None else float(found) / scale
        witness.expect_close(value, expected, f"{rows.request}\n-- niveau {level:g}")


@scenario(
    "BASE-009",
    "Courbe point à point : valeurs de référence, bornes et dehors",
    Criticality.BLOQUANTE,
    WRITES,
    queries=(
        "bench_activate_curve",
        "bench_add_point",
        "bench_create_curve",
        "bench_create_station",
        "bench_store",
        "discharges",
    ),
)
def test_point_law(witness: Witness, trial: Bench) -> None:
    station = trial.create_station()
    curve = create_curve(trial, station, "POINT")
    add_points(trial, curve, POINTS)
    trial.call("bench_activate_curve", curve=curve)
    expect_discharges(witness, trial, station, POINT_GOLDEN, 1)


@scenario(
    "BASE-010",
    "Courbes barrage et puissance : valeurs de référence",
    Criticality.BLOQUANTE,
    WRITES,
    queries=(
        "bench_activate_curve",
        "bench_create_curve",
        "bench_create_station",
        "bench_store",
        "discharges",
    ),
)
def test_power_laws(witness: Witness, trial: Bench) -> None:
    for law, coefficients, golden in (
        ("BARRAGE", BARRAGE, BARRAGE_GOLDEN),
        ("PUISSANCE", PUISSANCE, PUISSANCE_GOLDEN),
    ):
        station = trial.create_station()
        curve = create_curve(trial, station, law, coefficients)
        trial.call("bench_activate_curve", curve=curve)
        expect_discharges(witness, trial, station, golden, 1000)


@scenario(
    "BASE-011",
    "Courbe double entrée : niveau aval présent, ancien de 1 h 55 et de 2 h 05, absent",
    Criticality.MAJEURE,
    WRITES,
    queries=(
        "bench_activate_curve",
        "bench_add_point",
        "bench_create_curve",
        "bench_create_station",
        "bench_store",
        "discharges",
    ),
)
def test_double_entry(witness: Witness, trial: Bench) -> None:
    # The data step is 5 minutes: 1 h 55 and 2 h 05 are the ages on either side of the 2 h limit.
    for age_minutes, expected in ((0, 180000.0), (115, 180000.0), (120, 180000.0), (125, None), (None, None)):
        station, downstream = trial.create_station(), trial.create_station()
        curve = create_curve(trial, station, "DOUBLE", downstream=downstream.level)
        add_points(trial, curve, ((1000, 80000), (2000, 200000)), 1000)
        add_points(trial, curve, ((1000, 60000), (2000, 150000)), 1500)
        trial.call("bench_activate_curve", curve=curve)
        if age_minutes is not None:
            trial.store(downstream.level, [(AT - timedelta(minutes=age_minutes), 1200)])
        trial.store(station.level, [(AT, 2000)])
        at = AT.replace(tzinfo=None)
        rows = trial.session.query("discharges", sensor=station.level, start=at, stop=at)
        label = f"{rows.request}\n-- niveau aval ancien de {age_minutes} min"
        witness.expect_close(rows.rows[0][2] if rows.rows else "aucune ligne", expected, label)


@scenario(
    "BASE-012",
    "Une seule courbe active, périodes disjointes, activation verrouillée jusqu'en 2050",
    Criticality.MAJEURE,
    WRITES,
    queries=(
        "bench_activate_curve",
        "bench_add_point",
        "bench_create_curve",
        "bench_create_station",
        "curves",
        "overlapping_curves",
    ),
)
def test_curve_rules(witness: Witness, trial: Bench) -> None:
    station = trial.create_station()
    first = create_curve(
        trial, station, "POINT", start=datetime(2020, 1, 1, tzinfo=UTC), stop=datetime(2024, 1, 1, tzinfo=UTC)
    )
    second = create_curve(
        trial, station, "POINT", start=datetime(2024, 1, 1, tzinfo=UTC), stop=datetime(2026, 1, 1, tzinfo=UTC)
    )
    overlapping = trial.session.try_query(
        "bench_create_curve",
        campaign_id=trial.campaign_id,
        sensor=station.level,
        law="POINT",
        start=datetime(2023, 6, 1),  # noqa: DTZ001 - the column is UTC without zone
        stop=datetime(2025, 6, 1),  # noqa: DTZ001
        a=None,
        b=None,
        c=None,
        downstream=None,
    )
    witness.expect(
        overlapping != "", "création d'une courbe qui chevauche les deux autres", "refus", "acceptée"
    )
    trial.call("bench_activate_curve", curve=first)
    trial.call("bench_activate_curve", curve=second)
    rows = trial.session.query("curves", station=station.code)
    witness.expect_rows(
        rows,
        [
            (first, "2020-01-01 00:00:00", "2024-01-01 00:00:00", "non", "oui"),
            (second, "2024-01-01 00:00:00", "2050-01-01 00:00:00", "oui", "oui"),
        ],
    )
    locked = trial.session.try_query(
        "bench_add_point",
        campaign_id=trial.campaign_id,
        curve=second,
        level_mm=1,
        discharge_ls=1,
        downstream_mm=0,
    )
    witness.expect(locked != "", "ajout d'un point à la courbe activée", "refus", "accepté")
    witness.expect_no_rows(
        trial.session.query("overlapping_curves"), "aucune période de courbe ne se chevauche"
    )
