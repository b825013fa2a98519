"""HD-005, 013: how long a write takes to reach the passive node, alone and in mass."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from functools import partial

from nonreg.bench import Bench, TestStation, clean
from nonreg.clients.sql import Rows, Session
from nonreg.fixtures import Campaign
from nonreg.model import Criticality, Effect
from nonreg.probes.latency import exchange_beats, percentile
from nonreg.probes.replication import NotCaughtUp, read_fresh, wait_caught_up
from nonreg.recorder import scenario
from nonreg.waiting import observe_until
from nonreg.witness import Witness

FIRST_BEAT, BEATS, BEAT_PERIOD_SECONDS = 5001, 20, 0.05
SERIES, MASS_DAYS = 10_000, 40


@scenario(
    "HD-005",
    "Latence de réplication : 20 battements du site actif vus sur le passif",
    Criticality.MAJEURE,
    Effect.WRITES_TEST_DATA,
    queries=("bench_beat", "distributor", "heartbeats", "publisher_position", "subscriber_positions"),
)
def test_latency(
    witness: Witness, bench: Bench, active: Session, passive: Session, campaign: Campaign
) -> None:
    limit = campaign.limit("replication_latency_seconds")

    def write(number: int) -> None:
        bench.call("bench_beat", sequence=number)
        bench.session.commit()

    def read() -> set[int]:
        return {
            row[0]
            for row in read_fresh(passive, "heartbeats", campaign_id=campaign.id, first=FIRST_BEAT).rows
        }

    numbers = range(FIRST_BEAT, FIRST_BEAT + BEATS)
    within = campaign.patience("replication_latency_seconds")
    try:
        wait_caught_up(active, within)
    except (
        NotCaughtUp
    ) as behind:  # a link that carries nothing has no latency to measure: it is judged at once
        position = active.query("publisher_position").request
        witness.expect(False, position, f"le passif à jour en {within:g} s", str(behind).rstrip("."))
        return
    beats = exchange_beats(write, read, numbers, BEAT_PERIOD_SECONDS, within)
    request = passive.query("heartbeats", campaign_id=campaign.id, first=FIRST_BEAT).request
    lost = ", ".join(str(number) for number in beats.lost)
    witness.expect(
        not lost, request, f"{BEATS} battements sur le passif en {within:g} s", f"jamais vus : {lost}"
    )
    if not beats.seen:
        return
    for name, value in (
        ("latence médiane (p50)", percentile(beats.latencies, 50)),
        ("latence p95", percentile(beats.latencies, 95)),
        ("latence maximale", beats.latencies[-1]),
    ):
        witness.measure(name, round(value, 4), "s", limit, request)


@scenario(
    "HD-013",
    "Mise à jour en masse : 20 000 mesures arrivées puis effacées sur le passif",
    Criticality.MAJEURE,
    Effect.WRITES_TEST_DATA,
    timeout_seconds=150,
    queries=(
        "bench_create_station",
        "bench_store_series",
        "distributor",
        "publisher_position",
        "subscriber_positions",
        "test_stations_left",
    ),
)
def test_mass_update(
    witness: Witness, bench: Bench, active: Session, passive: Session, campaign: Campaign
) -> None:
    limit = campaign.limit("mass_update_seconds")
    within = campaign.patience("mass_update_seconds")
    # What a stalled link has not sent yet must not be added to.
    wait_caught_up(active, campaign.patience("replication_latency_seconds"))
    began = time.monotonic()
    station = bench.create_station()
    # In the past, where the time table has every step already: nothing else than tagged rows is made.
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    start = today - timedelta(days=MASS_DAYS)
    for sensor in (station.level, station.discharge):
        bench.call("bench_store_series", sensor=sensor, start=start, values=SERIES)
    bench.session.commit()
    written = time.monotonic()
    witness.measure(
        "écriture sur le site actif", round(written - began, 3), "s", limit, "nr.usp_ranger_mesure"
    )
    expected = read_fresh(active, "test_data_left", campaign_id=campaign.id)
    arrived = observe_until(
        lambda: read_fresh(passive, "test_data_left", campaign_id=campaign.id),
        lambda rows: sorted(rows.rows) == sorted(expected.rows),
        within,
    )
    witness.expect_equal(dict(arrived.rows).get("mesure"), 2 * SERIES, arrived.request)
    witness.expect_rows(arrived, expected.rows)
    seconds = round(time.monotonic() - written, 3)
    witness.measure("20 000 mesures sur le passif après validation", seconds, "s", limit, arrived.request)
    erase(witness, campaign, active, passive, station, within)


def erase(
    witness: Witness,
    campaign: Campaign,
    active: Session,
    passive: Session,
    station: TestStation,
    within: float,
) -> None:
    """Clean on the active node and prove that nothing of the station is left on either."""
    clean(campaign.platform, campaign.active_site, campaign.id)
    began = time.monotonic()
    for session, seconds in ((active, 0.0), (passive, within)):
        left = observe_until(partial(read_left, session, station), lambda rows: not rows.rows, seconds)
        witness.expect_no_rows(left, f"plus rien de la station d'essai sur {session.site_code}")
    limit = campaign.limit("mass_update_seconds")
    witness.measure("effacement sur le passif", round(time.monotonic() - began, 3), "s", limit, left.request)


def read_left(session: Session, station: TestStation) -> Rows:
    """What a node still has of a test station, whose mark may be gone."""
    return read_fresh(
        session,
        "test_stations_left",
        station=station.code,
        level=station.level,
        discharge=station.discharge,
        rain=station.rain,
    )
