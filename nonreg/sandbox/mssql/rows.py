"""Rows that the stand-in is filled with: the public list of stations, and measures that are a function of the seed,
the sensor and the instant alone, as those of the embedded platform. Pure but for the file of stations.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from nonreg.sandbox.dataset import SEED, STATIONS_FILE
from nonreg.sandbox.layout import ACTIVE, HOST_NAME, PASSIVE, SITES, WITNESS

ORIGIN = datetime(2000, 1, 1)  # noqa: DTZ001 - the database's times are UTC without zone
STEP = timedelta(minutes=5)
LONG_STATIONS = ("V714401001", "V715501001", "V547401501", "Y345401001", "V505401001")
DAY_STEPS, HOUR_STEPS = 288, 12
# The stations above: every step of three days, and one a day back to the end of the retention, less what it leaves to
# a stand-in that is a day old. The others: the last hour.
LONG_DAYS, OLDEST_DAYS = 3, 89
KINDS = ("H", "Q", "RR")  # in the order of the three sensors of each station
MISSING_SHARE = 0.001
ROLES = {ACTIVE: "ACTIF", PASSIVE: "PASSIF", WITNESS: "SURVEILLANCE"}


def read_stations() -> tuple[tuple[str, str], ...]:
    """Code and label of each station, by code."""
    with STATIONS_FILE.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        return tuple(sorted((row["code_station"], row["libelle_station"][:120]) for row in rows))


def list_sites() -> tuple[tuple[str, str, str, bool], ...]:
    """Code, server, role and whether it is the main one, of each site."""
    return tuple((code, HOST_NAME[code], ROLES[code], code == ACTIVE) for code in SITES)


def list_measures(
    codes: Sequence[str], last_instant: datetime
) -> Iterator[tuple[int, int, Decimal | None, str]]:
    """Sensor, time id, value and state of each measure up to `last_instant` (UTC, naive, on a step).

    `codes` in order: a station's rank gives its sensors. A step without rain has no row.
    """
    last = 1 + (last_instant - ORIGIN) // STEP
    for rank, code in enumerate(codes, 1):
        instants = list_instants(last, long=code in LONG_STATIONS)
        for position, kind in enumerate(KINDS):
            sensor = (rank - 1) * 3 + 1 + position
            for instant in instants:
                noise = compute_noise(sensor, instant)
                if kind == "RR" and (instant + rank * 211) % 2016 >= 72:
                    continue
                if noise < MISSING_SHARE:
                    yield sensor, instant, None, "MANQUANTE"
                elif (value := compute_value(kind, rank, instant, noise)) is not None:
                    yield sensor, instant, value, "OK"


def list_instants(last: int, *, long: bool) -> list[int]:
    """Time ids of a station's measures, in order."""
    if not long:
        return list(range(last - HOUR_STEPS + 1, last + 1))
    daily = [last - days * DAY_STEPS for days in range(OLDEST_DAYS, LONG_DAYS - 1, -1)]
    return daily + list(range(last - LONG_DAYS * DAY_STEPS + 1, last + 1))


def compute_noise(sensor: int, instant: int) -> float:
    """Between 0 and 1, always the same for a sensor and an instant."""
    return (instant * 7919 + sensor * 104729 + SEED) % 2147483648 * 2654435761 % 4294967296 / 4294967296


def compute_value(kind: str, rank: int, instant: int, noise: float) -> Decimal | None:
    """Level (mm), discharge (l/s) or rain (mm) with a flood every 30 days; None where it does not rain."""
    if kind == "RR":
        rain = round_half_up(math.trunc(noise * 40) * 0.2 - 1.0, "0.1")
        return rain if rain > 0 else None
    phase = (instant + rank * 397) % 8640
    flood = 1500 * phase / 48 * math.exp(1 - phase / 48) if phase < 400 else 0.0
    low = 250 + rank * 37 % 450
    return round_half_up(low + 4 * noise + flood if kind == "H" else 60 * (low + flood) + 50 * noise, "1")


def round_half_up(value: float, unit: str) -> Decimal:
    """As the databases round."""
    return Decimal(repr(value)).quantize(Decimal(unit), ROUND_HALF_UP)
