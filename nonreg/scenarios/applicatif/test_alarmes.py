"""APP-014…017: thresholds, hysteresis, and the way of an alarm to the operators. Levels in mm."""

from __future__ import annotations

import fnmatch
import time
from datetime import UTC, datetime
from decimal import Decimal

from nonreg.bench import Bench, TestStation
from nonreg.clients.sql import Rows, Session
from nonreg.clients.web import Answer
from nonreg.fixtures import Campaign
from nonreg.model import Criticality, Effect
from nonreg.probes.alarm_sink import AlarmCall, read_calls
from nonreg.probes.frames import Reading
from nonreg.recorder import scenario
from nonreg.scenarios.applicatif.steps import expect_accepted
from nonreg.simulator import STEP, StationSimulator, last_step
from nonreg.waiting import observe_until
from nonreg.witness import NotApplicable, Witness

WRITES = Effect.WRITES_TEST_DATA
AT = datetime(2026, 1, 10, 12, 0)  # noqa: DTZ001 - the columns are UTC without zone
LADDER = (("JAUNE", 1, 1000, 900), ("ORANGE", 2, 1500, 1400), ("ROUGE", 3, 2000, 1900))


def follow_levels(trial: Bench, station: TestStation, levels: tuple[int, ...]) -> None:
    """One level every five minutes from AT, each refined and looked at before the next."""
    for rank, level in enumerate(levels):
        at = AT + rank * STEP
        trial.send(station, "H", [(at, level)])
        trial.refine(at)
        trial.session.query("bench_check_thresholds")


def show_minutes(rows: Rows) -> Rows:
    """Alarms as (type, rank, minute of opening, minute of closing or None) after AT."""

    def minute(moment: datetime | None) -> int | None:
        return None if moment is None else int((moment - AT).total_seconds() // 60)

    columns = ("seuil", "ordre", "ouverte_min", "fermee_min")
    return Rows(columns, tuple((r[0], r[2], minute(r[3]), minute(r[4])) for r in rows.rows), rows.request)


@scenario(
    "APP-014",
    "Seuils jaune, orange et rouge : une alarme chacun, ouverte, journalisée et fermée à son heure",
    Criticality.MAJEURE,
    WRITES,
    queries=(
        "alarm_events",
        "alarms",
        "bench_check_thresholds",
        "bench_create_station",
        "bench_create_threshold",
        "bench_refine",
        "bench_send",
    ),
)
def test_threshold_ladder(witness: Witness, trial: Bench) -> None:
    station = trial.create_station()
    for kind, rank, opening, closing in LADDER:
        trial.create_threshold(station.level, kind, rank, opening, closing)
    follow_levels(trial, station, (999, 1000, 1499, 1500, 1999, 2000, 2400))
    alarms = trial.session.query("alarms", station=station.code)
    opened = [("JAUNE", 1, 5, None), ("ORANGE", 2, 15, None), ("ROUGE", 3, 25, None)]
    witness.expect_rows(show_minutes(alarms), opened, ignore_order=False)
    events = trial.session.query("alarm_events", station=station.code)
    journal = [(3, False, f"alarme {kind} {station.code} H ouverte", False) for kind, *_ in LADDER]
    witness.expect_rows(events, journal, ignore_order=False)


@scenario(
    "APP-015",
    "Hystérésis : pas de battement entre ouverture et fermeture, pas de seconde alarme tant qu'une est ouverte",
    Criticality.MAJEURE,
    WRITES,
    queries=(
        "alarm_events",
        "alarms",
        "bench_check_thresholds",
        "bench_create_station",
        "bench_create_threshold",
        "bench_refine",
        "bench_send",
    ),
)
def test_hysteresis(witness: Witness, trial: Bench) -> None:
    station = trial.create_station()
    trial.create_threshold(station.level, "JAUNE", 1, 1000, 900)
    #                              0     5   10    15   20   25   30   35    40
    follow_levels(trial, station, (950, 1000, 950, 1005, 901, 899, 950, 999, 1001))
    alarms = trial.session.query("alarms", station=station.code)
    witness.expect_rows(
        show_minutes(alarms), [("JAUNE", 1, 5, 25), ("JAUNE", 1, 40, None)], ignore_order=False
    )
    label = f"alarme JAUNE {station.code} H"
    journal = [
        (3, False, f"{label} ouverte", False),
        (1, True, f"{label} fermée", True),
        (3, False, f"{label} ouverte", False),
    ]
    witness.expect_rows(
        trial.session.query("alarm_events", station=station.code), journal, ignore_order=False
    )


def wait_calls(
    campaign: Campaign, station: TestStation, count: int
) -> tuple[Answer, tuple[AlarmCall, ...], float]:
    """Calls about a station once there are that many, or at the deadline; with the clock when last looked."""
    with campaign.web(campaign.witness_site, "puits") as sink:
        answer, calls = observe_until(
            lambda: read_calls(sink, station.code),
            lambda found: len(found[1]) >= count,
            campaign.patience("alarm_seconds"),
        )
        return answer, calls, time.monotonic()


def wait_transmitted(active: Session, campaign: Campaign, station: TestStation, count: int) -> Rows:
    """Alarms of a station once that many are marked as transmitted, or at the deadline."""
    return observe_until(
        lambda: active.query("alarms", station=station.code),
        lambda rows: sum(row[5] for row in rows.rows) >= count,
        campaign.patience("alarm_seconds"),
    )


def require_sink(campaign: Campaign) -> None:
    """NotApplicable when the platform has no alarm sink."""
    if campaign.witness_site.web.puits is None:
        raise NotApplicable("La plateforme n'a pas de puits d'alarmes.")


@scenario(
    "APP-016",
    "Seuil en baisse ouvert et fermé, seuil inactif muet, seuil non transmissible gardé",
    Criticality.MAJEURE,
    WRITES,
    timeout_seconds=180,
    queries=(
        "alarms",
        "bench_check_thresholds",
        "bench_create_station",
        "bench_create_threshold",
        "bench_refine",
    ),
)
def test_special_thresholds(witness: Witness, active: Session, bench: Bench, campaign: Campaign) -> None:
    require_sink(campaign)
    station = bench.create_station()
    bench.create_threshold(station.level, "JAUNE", 1, 100, 50, enabled=False, transmissible=True)
    bench.create_threshold(station.discharge, "JAUNE", 1, 1000, 900)
    bench.create_threshold(station.level, "STATION", 2, 200, 300, falling=True, transmissible=True)
    bench.session.commit()
    now = last_step(datetime.now(UTC))
    before = now - STEP
    with StationSimulator(campaign.platform, campaign.active_site) as simulator:
        readings = [Reading("H", before, Decimal(200)), Reading("Q", before, Decimal(5000))]
        expect_accepted(witness, simulator.push(station.code, readings), 2)
        # The thresholds are told by rank: when the second is, the first would have been.
        answer, calls, _ = wait_calls(campaign, station, 1)
        witness.expect_equal([call.text for call in calls], [f"STATION {station.code} H"], answer.request)
        if not calls:
            return
        alarms = wait_transmitted(active, campaign, station, 1)
        opened = [("JAUNE", "HAUSSE", 1, before, None, False), ("STATION", "BAISSE", 2, before, None, True)]
        witness.expect_rows(alarms, opened)
        expect_accepted(witness, simulator.push(station.code, [Reading("H", now, Decimal(301))]), 1)
    bench.refine(datetime.now(UTC))
    bench.session.query("bench_check_thresholds")
    bench.session.commit()
    alarms = observe_until(
        lambda: active.query("alarms", station=station.code),
        lambda rows: any(row[4] is not None for row in rows.rows),
        campaign.patience("ingestion_seconds"),
    )
    witness.expect_rows(alarms, [opened[0], (*opened[1][:4], now, True)])


@scenario(
    "APP-017",
    "Alarme reçue par le puits : texte, ordre, destinataire d'essai, une seule fois",
    Criticality.MAJEURE,
    WRITES,
    timeout_seconds=180,
    queries=("alarms", "bench_create_station", "bench_create_threshold"),
)
def test_alarm_reaches_sink(witness: Witness, active: Session, bench: Bench, campaign: Campaign) -> None:
    require_sink(campaign)
    station = bench.create_station()
    for kind, rank, opening, closing in LADDER:
        bench.create_threshold(station.level, kind, rank, opening, closing, transmissible=True)
    bench.session.commit()
    at = last_step(datetime.now(UTC))
    with StationSimulator(campaign.platform, campaign.active_site) as simulator:
        pushed = simulator.push(station.code, [Reading("H", at, Decimal(1600))])
    sent_at = time.monotonic()
    expect_accepted(witness, pushed, 1)
    answer, calls, heard_at = wait_calls(campaign, station, 2)
    expected = [f"{kind} {station.code} H" for kind in ("JAUNE", "ORANGE")]
    witness.expect_equal([call.text for call in calls], expected, answer.request)
    if len(calls) == len(expected):
        limit = campaign.limit("alarm_seconds")
        witness.measure(
            "délai de la trame à l'appel", round(heard_at - sent_at, 3), "s", limit, answer.request
        )
    allowed = campaign.platform.allowed.recipients
    stray = [c.alarm for c in calls if not any(fnmatch.fnmatchcase(c.recipient, one) for one in allowed)]
    witness.expect(
        not stray, answer.request, "destinataires d'essai", f"alarmes {stray} vers un autre (masqué)"
    )
    alarms = wait_transmitted(active, campaign, station, 2)
    told = [("JAUNE", "HAUSSE", 1, at, None, True), ("ORANGE", "HAUSSE", 2, at, None, True)]
    witness.expect_rows(alarms, told)
    with campaign.web(campaign.witness_site, "puits") as sink:
        answer, calls = read_calls(sink, station.code)
    witness.expect_equal(len(calls), 2, f"{answer.request}\n-- après transmission")
