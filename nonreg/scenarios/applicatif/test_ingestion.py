"""APP-006…009: from a station's frame to the latest values, duplicates, late and out-of-order frames."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from nonreg.bench import Bench
from nonreg.clients.sql import Rows, Session
from nonreg.fixtures import Campaign
from nonreg.model import Criticality, Effect
from nonreg.probes.client_page import LatestValue, parse_latest
from nonreg.probes.frames import Reading
from nonreg.probes.latency import percentile
from nonreg.recorder import scenario
from nonreg.scenarios.applicatif.steps import expect_accepted, refine, sign_in, wait_refined
from nonreg.simulator import STEP, StationSimulator, last_step
from nonreg.waiting import observe_until
from nonreg.witness import Witness

WRITES = Effect.WRITES_TEST_DATA
FRAMES = 5


@scenario(
    "APP-006",
    "Réception IP de bout en bout : trame, tampon, production, dernières valeurs",
    Criticality.BLOQUANTE,
    WRITES,
    timeout_seconds=180,
    queries=("bench_create_station", "buffer_rows", "production_rows"),
)
def test_end_to_end(witness: Witness, active: Session, bench: Bench, campaign: Campaign) -> None:
    station = bench.create_station()
    bench.session.commit()
    latest = last_step(datetime.now(UTC))
    sent: dict[datetime, float] = {}
    expected = []
    with StationSimulator(campaign.platform, campaign.active_site) as simulator:
        for rank in range(FRAMES):
            at = latest - (FRAMES - 1 - rank) * STEP
            values = (
                ("H", Decimal(510 + rank)),
                ("Q", Decimal(8200 + rank)),
                ("RR", Decimal("0.2") * (rank + 1)),
            )
            answer = simulator.push(station.code, [Reading(kind, at, value) for kind, value in values])
            sent[at] = time.monotonic()
            expect_accepted(witness, answer, 3)
            expected += [(station.code, kind, at, value, "OK") for kind, value in values]
    buffered = active.query("buffer_rows", stations=station.code)
    witness.expect_equal(len(buffered.rows), 3 * FRAMES, buffered.request)
    latencies: dict[datetime, float] = {}

    def look() -> Rows:
        rows = active.query("production_rows", stations=station.code)
        for at in {row[2] for row in rows.rows} - latencies.keys():
            latencies[at] = time.monotonic() - sent.get(at, 0.0)
        return rows

    stored = observe_until(
        look, lambda rows: len(rows.rows) >= 3 * FRAMES, campaign.patience("ingestion_seconds")
    )
    witness.expect_rows(stored, expected)
    if latencies:
        limit, seconds = campaign.limit("ingestion_seconds"), list(latencies.values())
        witness.measure("latence médiane", round(percentile(seconds, 50), 3), "s", limit, stored.request)
        witness.measure(
            "latence au 95e centile", round(percentile(seconds, 95), 3), "s", limit, stored.request
        )
    expect_on_page(witness, campaign, expected[-3:])


def expect_on_page(
    witness: Witness, campaign: Campaign, rows: list[tuple[str, str, datetime, Decimal, str]]
) -> None:
    """The light client shows these last values."""
    with campaign.web(campaign.active_site, "client") as web:
        password = campaign.platform.secret(campaign.active_site.web.client_password_env)
        entered = sign_in(web, campaign, password)
        page = web.get("/dernieres")
    witness.expect_equal((entered.status, page.status), (303, 200), page.request)
    values: tuple[LatestValue, ...] = parse_latest(page.body) if page.status == 200 else ()
    shown = [(v.station, v.quantity, v.at, v.value, v.state) for v in values if v.station == rows[0][0]]
    witness.expect_rows(
        Rows(("station", "grandeur", "heure", "valeur", "état"), tuple(shown), page.request), rows
    )


@scenario(
    "APP-007",
    "Trame en double : signalée, une seule valeur en tampon et en production",
    Criticality.BLOQUANTE,
    WRITES,
    timeout_seconds=180,
    queries=("bench_create_station", "buffer_pending", "buffer_rows", "production_rows"),
)
def test_duplicate_frame(witness: Witness, active: Session, bench: Bench, campaign: Campaign) -> None:
    station = bench.create_station()
    bench.session.commit()
    at = last_step(datetime.now(UTC))
    readings = [
        Reading("H", at, Decimal(640)),
        Reading("Q", at, Decimal(9100)),
        Reading("RR", at, Decimal("1.4")),
    ]
    with (
        StationSimulator(campaign.platform, campaign.active_site) as first,
        StationSimulator(campaign.platform, campaign.passive_site) as second,
    ):
        expect_accepted(witness, first.push(station.code, readings), 3)
        expect_accepted(witness, first.push(station.code, readings), 0, 3)
        expect_accepted(witness, second.push(station.code, readings), 0, 3)
        left = wait_refined(active, campaign, station)
        witness.expect_equal(left.scalar(), 0, left.request)
        expect_accepted(witness, first.push(station.code, readings), 0, 3)
    rows = [(station.code, one.quantity, at, one.value) for one in readings]
    buffered = active.query("buffer_rows", stations=station.code)
    witness.expect_rows(buffered, [(*row, "IP", None) for row in rows])
    witness.expect_rows(
        active.query("production_rows", stations=station.code), [(*row, "OK") for row in rows]
    )


@scenario(
    "APP-008",
    "Données tardives : 6 h et 3 j rangées, hors profondeur rejetées, dernière valeur inchangée",
    Criticality.MAJEURE,
    WRITES,
    queries=(
        "bench_create_station",
        "bench_reasons",
        "bench_refine",
        "buffer_pending",
        "last_rows",
        "parameter",
        "production_rows",
    ),
)
def test_late_data(witness: Witness, active: Session, bench: Bench, campaign: Campaign) -> None:
    station = bench.create_station()
    bench.session.commit()
    depth_days = int(active.query("parameter", code="PROFONDEUR_COLLECTE_J").scalar())
    now = last_step(datetime.now(UTC))
    ages = (timedelta(0), timedelta(hours=6), timedelta(days=3), timedelta(days=depth_days, hours=1))
    with StationSimulator(campaign.platform, campaign.active_site) as simulator:
        for rank, age in enumerate(ages):
            answer = simulator.push(station.code, [Reading("H", now - age, Decimal(700 + rank))])
            expect_accepted(witness, answer, 1)
            refine(bench)
    left = wait_refined(active, campaign, station)
    witness.expect_equal(left.scalar(), 0, left.request)
    kept = [(station.code, "H", now - age, 700 + rank, "OK") for rank, age in enumerate(ages[:3])]
    witness.expect_rows(active.query("production_rows", stations=station.code), kept)
    witness.expect_rows(active.query("last_rows", stations=station.code), kept[:1])
    reasons = active.query("bench_reasons", sensor=station.level)
    told = [(now - age, 700 + rank, "TROP_ANCIEN" if rank == 3 else None) for rank, age in enumerate(ages)]
    witness.expect_rows(reasons, told)


@scenario(
    "APP-009",
    "Trames dans le désordre : même état final que dans l'ordre",
    Criticality.MAJEURE,
    WRITES,
    queries=("bench_create_station", "bench_refine", "buffer_pending", "last_rows", "production_rows"),
)
def test_out_of_order(witness: Witness, active: Session, bench: Bench, campaign: Campaign) -> None:
    ordered, shuffled = bench.create_station(), bench.create_station()
    bench.session.commit()
    now = last_step(datetime.now(UTC))
    with StationSimulator(campaign.platform, campaign.active_site) as simulator:
        for orderly, disorderly in zip(range(4), (3, 0, 2, 1), strict=True):
            for station, rank in ((ordered, orderly), (shuffled, disorderly)):
                at = now - (3 - rank) * STEP
                readings = [
                    Reading("H", at, Decimal(800 + rank)),
                    Reading("RR", at, Decimal("0.2") * (rank % 2)),
                ]
                expect_accepted(witness, simulator.push(station.code, readings), 2)
            refine(bench)
    left = wait_refined(active, campaign, ordered, shuffled)
    witness.expect_equal(left.scalar(), 0, left.request)
    for name in ("production_rows", "last_rows"):
        straight = active.query(name, stations=ordered.code)
        mixed = active.query(name, stations=shuffled.code)
        witness.expect(len(straight.rows) > 0, straight.request, "des lignes", 0)
        without_code = Rows(mixed.columns[1:], tuple(row[1:] for row in mixed.rows), mixed.request)
        witness.expect_rows(without_code, [row[1:] for row in straight.rows])
