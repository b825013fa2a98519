"""BASE-021, 023, 024, 027, 035: integrity, retention, purge, query time and reference data of what is stored."""

from __future__ import annotations

import statistics
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from nonreg import baseline
from nonreg.bench import Bench
from nonreg.clients.sql import Rows, Session
from nonreg.comparison.golden import compare_golden
from nonreg.comparison.run import Place
from nonreg.comparison.wording import HEADINGS, list_rows
from nonreg.fixtures import Campaign
from nonreg.model import Criticality, Effect
from nonreg.recorder import scenario
from nonreg.sqlfiles.golden import read_golden
from nonreg.witness import Witness

WARM_RUNS = 5
HEAVY_QUERIES = ("heavy_daily_extremes", "heavy_discharges", "heavy_latest_values")


@scenario(
    "BASE-021",
    "Intégrité : orphelins, domaines, chronologie sans trou, aucun zéro de pluie, gradient de crue",
    Criticality.BLOQUANTE,
    queries=(
        "chrono_holes",
        "gradient_limits_too_low",
        "orphan_measures",
        "stored_rain_zeros",
        "values_out_of_domain",
    ),
)
def test_integrity(witness: Witness, active: Session) -> None:
    witness.expect_no_rows(active.query("orphan_measures"), "aucune mesure sans capteur ni chronodatation")
    witness.expect_no_rows(active.query("chrono_holes"), "chronodatation continue, au pas de 5 min")
    witness.expect_no_rows(active.query("stored_rain_zeros"), "aucun zéro de pluie stocké")
    witness.expect_no_rows(
        active.query("values_out_of_domain"), "aucune valeur hors du domaine de son capteur"
    )
    # A steeper real flood than the limit would be erased: DOMAIN §1.7, +500 mm in 5 minutes was seen.
    witness.expect_no_rows(
        active.query("gradient_limits_too_low"), "aucune limite de gradient sous 600 mm / 5 min"
    )


@scenario(
    "BASE-023",
    "Rétention : la plus ancienne mesure est à 90 j ± 1 j",
    Criticality.MAJEURE,
    queries=("oldest_rows",),
)
def test_retention(witness: Witness, active: Session) -> None:
    rows = active.query("oldest_rows")
    for subject, oldest, days in rows.rows:
        age = datetime.now(UTC).replace(tzinfo=None) - oldest
        limit = timedelta(days=float(days))
        witness.expect(
            age <= limit + timedelta(days=1),
            rows.request,
            f"{subject} : au plus {days} j + 1 j",
            f"{age.days} j",
        )
        if subject == "mesure":
            witness.expect(
                age >= limit - timedelta(days=1),
                rows.request,
                f"{subject} : au moins {days} j − 1 j",
                f"{age.days} j",
            )


@scenario(
    "BASE-024",
    "Purge : exactement ce qui dépasse, jour limite conservé, bloquée en mode crise",
    Criticality.MAJEURE,
    Effect.WRITES_TEST_DATA,
    queries=(
        "bench_create_station",
        "bench_crisis_mode",
        "bench_measures",
        "bench_purge",
        "bench_store",
        "parameter",
    ),
)
def test_purge(witness: Witness, trial: Bench) -> None:
    sensor = trial.create_station().level
    # A moment in the past at which no other data is old enough: only the test station is concerned.
    now = datetime(2024, 6, 30, 12, 0, tzinfo=UTC)
    days = timedelta(days=int(trial.session.query("parameter", code="RETENTION_MESURES_J").scalar()))
    boundary = now - days
    kept = [boundary, boundary + timedelta(minutes=5), now]
    old = [boundary - timedelta(minutes=5), boundary - timedelta(days=30)]
    trial.store(sensor, [(at, 500.0) for at in old + kept])
    trial.call("bench_crisis_mode", enabled=True)
    witness.expect_rows(trial.session.query("bench_purge", now=now.replace(tzinfo=None)), [(0, 0, 0, True)])
    witness.expect_equal(len(trial.measures(sensor).rows), 5, "mesures après une purge en mode crise")
    trial.call("bench_crisis_mode", enabled=False)
    purged = trial.session.query("bench_purge", now=now.replace(tzinfo=None))
    witness.expect_equal(purged.dicts()[0]["mesures"], 2, purged.request)
    witness.expect_rows(trial.measures(sensor), [(f"{at:%Y-%m-%d %H:%M:%S}", 500, "OK") for at in kept])


@scenario(
    "BASE-027",
    "Requêtes lourdes dans leur budget",
    Criticality.MAJEURE,
    queries=("heavy_daily_extremes", "heavy_discharges", "heavy_latest_values"),
    alone=True,
)
def test_query_budget(witness: Witness, active: Session, campaign: Campaign) -> None:
    limit = campaign.limit("heavy_query_seconds")
    for name in HEAVY_QUERIES:
        durations = []
        for _ in range(WARM_RUNS + 1):
            started = time.monotonic()
            rows = active.query(name)
            durations.append(time.monotonic() - started)
        witness.expect(bool(rows.rows), rows.request, "au moins une ligne", "aucune")
        warm = durations[1:]
        witness.measure(f"{name}, médiane", round(statistics.median(warm), 4), "s", limit, rows.request)
        witness.measure(f"{name}, pire des {WARM_RUNS}", round(max(warm), 4), "s", limit, rows.request)


@scenario(
    "BASE-035",
    "Jeu de données de référence : les tables du référentiel en sont, ligne à ligne",
    Criticality.MAJEURE,
    queries=("article_counts", "compare_columns"),
    alone=True,
)
def test_reference_data(witness: Witness, active: Session, campaign: Campaign) -> None:
    counts = active.query("article_counts")
    site = next(site for site in campaign.platform.sites if site.code == active.site_code)
    stored = dict(counts.rows)
    tables = list_golden(campaign.platform.dataset)
    witness.expect(bool(tables), campaign.platform.dataset, "des tables dans le jeu de référence", "aucune")
    for table, file in tables.items():
        golden = read_golden(file.read_text(encoding="utf-8"))
        found = compare_golden(Place(campaign.platform, site), table, golden)
        if table in stored:  # counted apart: whatever was compared, it was all of them
            witness.expect_equal(found.right_rows, stored[table], counts.request)
        shown = Rows(HEADINGS, tuple(list_rows(found)), "\n".join(found.requests))
        witness.expect_no_rows(shown, f"{table} comme dans {file.name}")


def list_golden(dataset: str) -> dict[str, Path]:
    """The golden file of each table that a data set has one for."""
    files = sorted(baseline.dataset_dir(dataset).glob("*.*.csv"))
    return {file.name.removesuffix(".csv"): file for file in files}
