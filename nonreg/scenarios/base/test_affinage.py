"""BASE-015…020: refinement (affinage), on raw values put in the buffer inside a rolled-back transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from nonreg.bench import Bench, TestStation
from nonreg.model import Criticality, Effect
from nonreg.recorder import scenario
from nonreg.witness import Witness

STEP = timedelta(minutes=5)
START = datetime(2026, 1, 10, 0, 0, tzinfo=UTC)
NOW = START + timedelta(days=1)
WRITES = Effect.WRITES_TEST_DATA
Values = Sequence[tuple[datetime, float | None]]


def label(at: datetime) -> str:
    """A time as the database shows it."""
    return f"{at:%Y-%m-%d %H:%M:%S}"


def expect_stored(
    witness: Witness, trial: Bench, sensor: int, expected: Sequence[tuple[datetime, float | None, str]]
) -> None:
    """Production holds exactly these rows of the sensor."""
    witness.expect_rows(trial.measures(sensor), [(label(at), value, state) for at, value, state in expected])


def send_level(trial: Bench, values: Values, now: datetime = NOW) -> TestStation:
    """A new station that sent these levels, refined."""
    station = trial.create_station()
    trial.send(station, "H", values)
    trial.refine(now)
    return station


@scenario(
    "BASE-015",
    "Affinage nominal : 288 pas × 3 capteurs, zéros de pluie non stockés",
    Criticality.BLOQUANTE,
    WRITES,
    queries=("bench_create_station", "bench_measures", "bench_refine", "bench_send"),
)
def test_nominal(witness: Witness, trial: Bench) -> None:
    station = trial.create_station()
    times = [START + position * STEP for position in range(288)]
    levels = [(at, 400.0 + position) for position, at in enumerate(times)]
    discharges = [(at, 5000.0 + 10 * position) for position, at in enumerate(times)]
    rain = [(at, 0.2 if position % 12 == 0 else 0.0) for position, at in enumerate(times)]
    for kind, values in (("H", levels), ("Q", discharges), ("RR", rain)):
        trial.send(station, kind, values)
    witness.expect_rows(trial.refine(NOW), [(864, 864, 0)])
    expect_stored(witness, trial, station.level, [(at, value, "OK") for at, value in levels])
    expect_stored(witness, trial, station.discharge, [(at, value, "OK") for at, value in discharges])
    expect_stored(witness, trial, station.rain, [(at, value, "OK") for at, value in rain if value])


@scenario(
    "BASE-016",
    "Aberration remplacée par la précédente, vraie crue de +500 mm en 5 min conservée",
    Criticality.BLOQUANTE,
    WRITES,
    queries=("bench_create_station", "bench_measures", "bench_reasons", "bench_refine", "bench_send"),
)
def test_outliers(witness: Witness, trial: Bench) -> None:
    t0, t1, t2, t3 = (START + position * STEP for position in range(4))
    flood = send_level(trial, [(t0, 500), (t1, 1000), (t2, 1500), (t3, 2000)])
    expect_stored(
        witness, trial, flood.level, [(t0, 500, "OK"), (t1, 1000, "OK"), (t2, 1500, "OK"), (t3, 2000, "OK")]
    )
    spike = send_level(trial, [(t0, 500), (t1, 1101), (t2, 510)])
    expect_stored(witness, trial, spike.level, [(t0, 500, "OK"), (t1, 500, "REMPLACEE"), (t2, 510, "OK")])
    limit = send_level(trial, [(t0, 500), (t1, 1100)])
    expect_stored(witness, trial, limit.level, [(t0, 500, "OK"), (t1, 1100, "OK")])
    too_high = send_level(trial, [(t0, 14900), (t1, 15001), (t2, 15000)])
    expect_stored(
        witness, trial, too_high.level, [(t0, 14900, "OK"), (t1, 14900, "REMPLACEE"), (t2, 15000, "OK")]
    )
    too_low = send_level(trial, [(t0, -1500), (t1, -1501)])
    expect_stored(witness, trial, too_low.level, [(t0, -1500, "OK"), (t1, -1500, "REMPLACEE")])
    twice = send_level(trial, [(t0, 500), (t1, 9000), (t2, 9100), (t3, 520)])
    expect_stored(
        witness,
        trial,
        twice.level,
        [(t0, 500, "OK"), (t1, 500, "REMPLACEE"), (t2, None, "MANQUANTE"), (t3, 520, "OK")],
    )
    first = send_level(trial, [(t0, 20000), (t1, 500)])
    expect_stored(witness, trial, first.level, [(t0, None, "MANQUANTE"), (t1, 500, "OK")])
    witness.expect_rows(
        trial.reasons(spike.level),
        [(label(t0), 500, None), (label(t1), 1101, "ABERRATION"), (label(t2), 510, None)],
    )


@scenario(
    "BASE-017",
    "Horodatages futurs, trop anciens, hors pas ; doublons et conflits",
    Criticality.MAJEURE,
    WRITES,
    queries=(
        "bench_create_station",
        "bench_measures",
        "bench_reasons",
        "bench_refine",
        "bench_send",
        "parameter",
    ),
)
def test_rejections(witness: Witness, trial: Bench) -> None:
    depth = timedelta(days=int(trial.session.query("parameter", code="PROFONDEUR_COLLECTE_J").scalar()))
    kept = NOW - STEP
    values: Values = [
        (NOW + STEP, 100),
        (NOW + 2 * STEP, 101),
        (NOW - depth, 102),
        (NOW - depth - STEP, 103),
        (kept + timedelta(minutes=2), 104),
        (kept, 105),
        (kept, 105),
        (kept, 106),
    ]
    station = send_level(trial, values)
    witness.expect_rows(
        trial.reasons(station.level),
        [
            (label(at), value, reason)
            for (at, value), reason in zip(
                values,
                (None, "FUTUR", None, "TROP_ANCIEN", "PAS_INCORRECT", None, "DOUBLON", "CONFLIT"),
                strict=True,
            )
        ],
    )
    expect_stored(
        witness, trial, station.level, [(NOW - depth, 102, "OK"), (kept, 105, "OK"), (NOW + STEP, 100, "OK")]
    )


@scenario(
    "BASE-018",
    "Heure locale aux changements d'heure ; pluie de 6 min ; pas de 10 min",
    Criticality.MAJEURE,
    WRITES,
    queries=(
        "bench_create_station",
        "bench_measures",
        "bench_reasons",
        "bench_refine",
        "bench_send",
        "bench_set_sensor",
    ),
)
def test_time_transforms(witness: Witness, trial: Bench) -> None:
    expect_daylight_saving(witness, trial)
    expect_rain_6_minutes(witness, trial)
    expect_10_minutes(witness, trial)


def expect_daylight_saving(witness: Witness, trial: Bench) -> None:
    """Autumn: 300 local labels of 25/10 give 300 UTC steps. Spring: 02:30 of 28/03 does not exist."""
    station = trial.create_station(time_zone="Europe/Paris")
    first_utc = datetime(2026, 10, 24, 22, 0, tzinfo=UTC)
    hours = [*range(3), *range(2, 24)]  # local hours of the day, 2 twice
    labels = [
        datetime(2026, 10, 25, hour, minute, tzinfo=UTC) for hour in hours for minute in range(0, 60, 5)
    ]
    trial.send(station, "H", [(at, 400.0) for at in labels])
    trial.refine(datetime(2026, 10, 26, 0, 0, tzinfo=UTC))
    expect_stored(
        witness, trial, station.level, [(first_utc + position * STEP, 400.0, "OK") for position in range(300)]
    )
    fixed = trial.create_station(time_zone="Etc/GMT-1")
    day = [datetime(2026, 10, 25, tzinfo=UTC) + position * STEP for position in range(288)]
    trial.send(fixed, "H", [(at, 400.0) for at in day])
    trial.refine(datetime(2026, 10, 26, 0, 0, tzinfo=UTC))
    expect_stored(witness, trial, fixed.level, [(at - timedelta(hours=1), 400.0, "OK") for at in day])
    spring = trial.create_station(time_zone="Europe/Paris")
    around = [datetime(2027, 3, 28, hour, 30, tzinfo=UTC) for hour in (1, 2, 3)]
    trial.send(spring, "H", [(at, 400.0) for at in around])
    trial.refine(datetime(2027, 3, 29, 0, 0, tzinfo=UTC))
    witness.expect_rows(
        trial.reasons(spring.level),
        [
            (label(around[0]), 400, None),
            (label(around[1]), 400, "HEURE_INEXISTANTE"),
            (label(around[2]), 400, None),
        ],
    )
    stored = [datetime(2027, 3, 28, hour, 30, tzinfo=UTC) for hour in (0, 1)]
    expect_stored(witness, trial, spring.level, [(at, 400.0, "OK") for at in stored])


def expect_rain_6_minutes(witness: Witness, trial: Bench) -> None:
    """Five totals of 6 minutes become six of 5 minutes; the sum is kept, a replay changes nothing."""
    station = trial.create_station(step_minutes=6)
    totals = [
        (START + timedelta(minutes=6 * (position + 1)), value)
        for position, value in enumerate((1.2, 0.6, 0.0, 1.8, 0.6))
    ]
    shares = (1.0, 0.6, 0.2, 0.6, 1.3, 0.5)  # 5/6 of 1.2; 1/6 of 1.2 + 4/6 of 0.6; 2/6 of 0.6; 2/6 of 1.8; …
    expected = [(START + (position + 1) * STEP, value, "OK") for position, value in enumerate(shares)]
    for _ in range(2):
        trial.send(station, "RR", totals)
        trial.refine(NOW)
        expect_stored(witness, trial, station.rain, expected)
    # A total that never came leaves missing steps, and does not stop the ones after it.
    silent = trial.create_station(step_minutes=6)
    first = [START + timedelta(minutes=6 * number) for number in range(1, 6)]
    trial.send(silent, "RR", list(zip(first, (1.2, None, None, None, 0.6), strict=True)))
    trial.refine(NOW)
    steps = (1.0, 0.2, None, None, 0.1, 0.5)
    states = [(START + number * STEP, value) for number, value in enumerate(steps, start=1)]
    expect_stored(
        witness,
        trial,
        silent.rain,
        [(at, value, "MANQUANTE" if value is None else "OK") for at, value in states],
    )


def expect_10_minutes(witness: Witness, trial: Bench) -> None:
    """A 10-minute level is interpolated to 5 minutes, unless the station says « ne pas transformer »."""
    t0, t1, t2, t3 = (START + position * STEP for position in range(4))
    values: Values = [(t0, 400), (t2, 500)]
    for transform, expected in (
        (True, [(t0, 400, "OK"), (t1, 450, "OK"), (t2, 500, "OK")]),
        (False, [(t0, 400, "OK"), (t2, 500, "OK")]),
    ):
        station = trial.create_station(step_minutes=10, transform=transform)
        trial.send(station, "H", values)
        trial.refine(NOW)
        expect_stored(witness, trial, station.level, expected)
    rainy = trial.create_station(step_minutes=10)
    trial.send(rainy, "RR", [(t2, 1.0)])
    trial.refine(NOW)
    expect_stored(witness, trial, rainy.rain, [(t1, 0.5, "OK"), (t2, 0.5, "OK")])
    metres = trial.create_station()
    trial.call("bench_set_sensor", sensor=metres.level, unit="m", inhibited=False)
    trial.send(metres, "H", [(t3, 1.234)])
    trial.refine(NOW)
    expect_stored(witness, trial, metres.level, [(t3, 1234, "OK")])


@scenario(
    "BASE-019",
    "Capteur inhibé : collecté, jamais mis en production",
    Criticality.MAJEURE,
    WRITES,
    queries=(
        "bench_create_station",
        "bench_measures",
        "bench_reasons",
        "bench_refine",
        "bench_send",
        "bench_set_sensor",
    ),
)
def test_inhibited(witness: Witness, trial: Bench) -> None:
    station = trial.create_station()
    trial.call("bench_set_sensor", sensor=station.level, unit="mm", inhibited=True)
    trial.send(station, "H", [(START, 500)])
    trial.send(station, "Q", [(START, 9000)])
    trial.refine(NOW)
    expect_stored(witness, trial, station.level, [])
    expect_stored(witness, trial, station.discharge, [(START, 9000, "OK")])
    witness.expect_rows(trial.reasons(station.level), [(label(START), 500, "INHIBE")])


@scenario(
    "BASE-020",
    "Idempotence : rejouer le même lot ne change rien",
    Criticality.MAJEURE,
    WRITES,
    queries=("bench_create_station", "bench_measures", "bench_refine", "bench_send"),
)
def test_replay(witness: Witness, trial: Bench) -> None:
    station = trial.create_station()
    times = [START + position * STEP for position in range(24)]
    values: Values = [(at, None if position == 7 else 400.0 + position) for position, at in enumerate(times)]
    expected = [(at, value, "MANQUANTE" if value is None else "OK") for at, value in values]
    for _ in range(2):
        trial.send(station, "H", values)
        trial.refine(NOW)
        expect_stored(witness, trial, station.level, expected)
    # A missing value is completed by a late one, once.
    trial.send(station, "H", [(times[7], 407.0)])
    trial.refine(NOW)
    completed = [(at, 407.0 if value is None else value, "OK") for at, value in values]
    expect_stored(witness, trial, station.level, completed)
