"""HD-016b: the secondary path is ready before it is needed: nothing is stopped here."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from nonreg.bench import Bench
from nonreg.clients.sql import Session
from nonreg.fixtures import Campaign
from nonreg.model import Criticality, Effect
from nonreg.probes.frames import Reading
from nonreg.probes.replication import read_fresh, wait_caught_up
from nonreg.recorder import scenario
from nonreg.simulator import StationSimulator, last_step
from nonreg.witness import Witness


@scenario(
    "HD-016b",
    "Secours IP prêt : une trame reçue au site passif est en base active, signée du passif, puis répliquée",
    Criticality.MAJEURE,
    Effect.WRITES_TEST_DATA,
    queries=(
        "bench_create_station",
        "buffer_origins",
        "distributor",
        "publisher_position",
        "subscriber_positions",
    ),
)
def test_secondary_frontal(
    witness: Witness, bench: Bench, active: Session, passive: Session, campaign: Campaign
) -> None:
    station = bench.create_station()
    bench.session.commit()
    at, value = last_step(datetime.now(UTC)), Decimal(512)
    with StationSimulator(campaign.platform, campaign.passive_site) as simulator:
        answer = simulator.push(station.code, [Reading("H", at, value)])
    witness.expect_equal(answer.status, 200, answer.request)
    expected = [("H", at, value, campaign.passive_site.code)]
    witness.expect_rows(read_fresh(active, "buffer_origins", station=station.code), expected)
    wait_caught_up(active, campaign.patience("replication_latency_seconds"))
    witness.expect_rows(read_fresh(passive, "buffer_origins", station=station.code), expected)
