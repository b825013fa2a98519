"""The synthetic measures: the same seed, sensor and instant always give the same value."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import psycopg

from nonreg.sandbox import postgres
from nonreg.sandbox.dataset import SEED
from nonreg.sandbox.layout import ACTIVE, DATABASE, Layout

SAMPLE = """
SELECT m.cap_id, m.chr_id, c.cap_grandeur, m.mes_valeur, m.mes_etat
FROM prod.mesure m JOIN ref.capteur c USING (cap_id)
WHERE c.cap_grandeur <> 'RR' AND (m.cap_id * 31 + m.chr_id) %% 997 = 0 AND c.sta_code NOT LIKE 'Z9%%'
ORDER BY 1, 2 LIMIT %s
"""


def compute(seed: int, sensor: int, instant: int, kind: str) -> float | None:
    """The value that the generator promises: level (mm) or discharge (l/s); None is a missing one."""
    rank = (sensor - 1) // 3 + 1
    noise = ((instant * 7919 + sensor * 104729 + seed) % 2147483648 * 2654435761 % 4294967296) / 4294967296
    if noise < 0.001:
        return None
    phase = (instant + rank * 397) % 8640
    flood = 1500 * phase / 48 * math.exp(1 - phase / 48) if phase < 400 else 0.0
    low = 250 + rank * 37 % 450
    return round(low + 4 * noise + flood) if kind == "H" else round(60 * (low + flood) + 50 * noise)


def test_every_measure_is_a_function_of_seed_sensor_and_instant(sandbox: Layout) -> None:
    with psycopg.connect(postgres.admin_dsn(sandbox, ACTIVE, DATABASE)) as connection:
        rows = connection.execute(SAMPLE, (400,)).fetchall()
    assert len(rows) == 400
    for sensor, instant, kind, value, state in rows:
        expected = compute(SEED, sensor, instant, kind)
        assert (state == "MANQUANTE") == (expected is None), (sensor, instant)
        if expected is not None:
            assert abs(float(value) - expected) <= 1, (
                sensor,
                instant,
            )  # the two sides may round a half apart
    other = [compute(SEED + 1, sensor, instant, kind) for sensor, instant, kind, _, _ in rows]
    assert other != [compute(SEED, sensor, instant, kind) for sensor, instant, kind, _, _ in rows]


def test_the_platform_holds_251_stations_of_three_sensors_and_days_of_data(sandbox: Layout) -> None:
    with psycopg.connect(postgres.admin_dsn(sandbox, ACTIVE, DATABASE)) as connection:
        counts = connection.execute(
            "SELECT count(DISTINCT sta_code), count(*) FROM ref.capteur WHERE sta_code NOT LIKE 'Z9%'"
        ).fetchone()
        oldest = connection.execute(
            "SELECT count(DISTINCT c.sta_code), min(h.chr_utc) FROM prod.mesure m JOIN ref.capteur c USING (cap_id) "
            "JOIN ref.chrono h USING (chr_id) WHERE h.chr_utc < now() AT TIME ZONE 'UTC' - interval '4 days'"
        ).fetchone()
    assert counts == (251, 753)
    assert oldest is not None
    assert oldest[0] == 5
    age = datetime.now(UTC).replace(tzinfo=None) - oldest[1]
    assert timedelta(days=89) < age < timedelta(days=91)
