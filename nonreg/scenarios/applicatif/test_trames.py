"""APP-010, APP-012: frames that must be refused, and many at once."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal

from nonreg.bench import Bench
from nonreg.clients.sql import Session
from nonreg.fixtures import Campaign
from nonreg.model import Criticality, Effect
from nonreg.probes.frames import Reading, build_frame, parse_reply
from nonreg.recorder import scenario
from nonreg.scenarios.applicatif.steps import expect_accepted
from nonreg.simulator import StationSimulator, last_step
from nonreg.waiting import observe_until
from nonreg.witness import Witness

MAX_BODY_BYTES = 1 << 20
UNKNOWN_STATION = "Z800000000"
BURST_STATIONS = 250
BURST_WORKERS = 4
ENTITIES = '<!DOCTYPE lns [<!ENTITY a "aaaaaaaaaa">{}]>'.format(
    "".join(
        f'<!ENTITY {name} "{f"&{inner};" * 10}">' for inner, name in zip("abcdefgh", "bcdefghi", strict=True)
    )
)


def make_bad_frames(station: str, at: datetime) -> tuple[tuple[str, str, bytes, int], ...]:
    """(what is wrong, user, frame, expected status) for each refusal."""
    good = build_frame(station, [Reading("H", at, Decimal(500))]).decode()
    both = build_frame(station, [Reading("H", at, Decimal(500)), Reading("Q", at, Decimal(77))]).decode()
    return (
        ("XML tronqué", station, good[: len(good) // 2].encode(), 400),
        ("corps vide", station, b"", 400),
        ("octets d'un autre encodage", station, good.replace("1.0", "é").encode("latin-1"), 400),
        ("encodage inconnu", station, f'<?xml version="1.0" encoding="inconnu-8"?>{good}'.encode(), 400),
        (
            "bombe d'entités",
            station,
            f'<?xml version="1.0"?>{ENTITIES}{good.replace("500", "&i;")}'.encode(),
            400,
        ),
        ("station inconnue", UNKNOWN_STATION, good.replace(station, UNKNOWN_STATION).encode(), 404),
        ("grandeur inconnue", station, good.replace('"H"', '"ZZ"').encode(), 422),
        ("valeur NaN", station, good.replace('"500"', '"NaN"').encode(), 422),
        ("virgule décimale", station, good.replace('"500"', '"500,5"').encode(), 422),
        ("une mesure bonne, une mauvaise", station, both.replace('"77"', '"7,7"').encode(), 422),
        ("horodatage impossible", station, good.replace(at.isoformat(), "2026-02-30T00:00:00").encode(), 422),
        ("corps de plus de 1 Mio", station, good.encode() + b" " * MAX_BODY_BYTES, 413),
    )


@scenario(
    "APP-010",
    "Trames mal formées : refusées avec le bon code, rien en base, la bonne trame suivante acceptée",
    Criticality.BLOQUANTE,
    Effect.WRITES_TEST_DATA,
    queries=("bench_create_station", "buffer_rows"),
)
def test_malformed_frames(witness: Witness, active: Session, bench: Bench, campaign: Campaign) -> None:
    station = bench.create_station()
    bench.session.commit()
    at = last_step(datetime.now(UTC))
    with StationSimulator(campaign.platform, campaign.active_site) as simulator:
        for fault, user, body, status in make_bad_frames(station.code, at):
            answer = simulator.push_bytes(user, body)
            witness.expect_equal(answer.status, status, f"{answer.request}\n-- {fault}")
            accepted = parse_reply(answer.body).accepted
            witness.expect(not accepted, f"{answer.request}\n-- {fault}", "un refus", answer.body[:200])
        plain = build_frame(station.code, [Reading("H", at, Decimal(500))])
        answer = simulator.push_bytes(station.code, plain, content_type="text/plain")
        witness.expect_equal(answer.status, 415, f"{answer.request}\n-- type text/plain")
        stored = active.query("buffer_rows", stations=station.code)
        witness.expect_no_rows(stored, "aucune valeur des trames refusées")
        good = simulator.push(station.code, [Reading("H", at, Decimal(510))])
    expect_accepted(witness, good, 1)
    stored = active.query("buffer_rows", stations=station.code)
    witness.expect_rows(stored, [(station.code, "H", at, 510, "IP", row[5]) for row in stored.rows[:1]])


@scenario(
    "APP-012",
    "Rafale de 250 stations × 3 capteurs dans un pas : aucune perte, affinage dans le délai",
    Criticality.BLOQUANTE,
    Effect.WRITES_TEST_DATA,
    timeout_seconds=240,
    queries=("bench_create_station", "buffer_pending", "buffer_rows", "production_rows"),
)
def test_burst(witness: Witness, active: Session, bench: Bench, campaign: Campaign) -> None:
    stations = [bench.create_station().code for _ in range(BURST_STATIONS)]
    bench.session.commit()
    at = last_step(datetime.now(UTC))
    frames = {
        code: [
            Reading("H", at, Decimal(300 + rank)),
            Reading("Q", at, Decimal(2000 + rank)),
            Reading("RR", at, Decimal("0.2") * (1 + rank % 50)),
        ]
        for rank, code in enumerate(stations)
    }

    def push_share(share: list[str]) -> list[str]:
        with StationSimulator(campaign.platform, campaign.active_site) as simulator:
            answers = [simulator.push(code, frames[code]) for code in share]
        return [f"{one.status} {one.body[:100]}" for one in answers if parse_reply(one.body).inserted != 3]

    started = time.monotonic()
    with ThreadPoolExecutor(BURST_WORKERS) as workers:
        shares = [stations[first::BURST_WORKERS] for first in range(BURST_WORKERS)]
        refused = [words for share in workers.map(push_share, shares) for words in share]
    received = time.monotonic()
    request = f"{BURST_STATIONS} trames POST de 3 mesures au frontal de {campaign.active_site.code}"
    witness.expect_equal(refused[:10], [], request)
    codes = ",".join(stations)
    left = observe_until(
        lambda: active.query("buffer_pending", stations=codes),
        lambda rows: rows.scalar() == 0,
        campaign.patience("refinement_seconds"),
    )
    refined = time.monotonic()
    witness.expect_equal(left.scalar(), 0, left.request)
    limit = campaign.limit("refinement_seconds")
    witness.measure("affinage de la rafale", round(refined - received, 3), "s", limit, left.request)
    speed = round(BURST_STATIONS / (received - started), 1)
    witness.attach("debit de la rafale", f"{speed:g} trames par seconde reçues par le frontal\n")
    expected = [
        (code, one.quantity, at, one.value, "OK") for code, readings in frames.items() for one in readings
    ]
    witness.expect_rows(active.query("production_rows", stations=codes), expected)
    buffered = active.query("buffer_rows", stations=codes)
    witness.expect_equal(len(buffered.rows), 3 * BURST_STATIONS, buffered.request)
