"""HD-016, 017, 018, 020: what the passive site does in the place of a service of the active one that fails."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from nonreg.bench import TestStation
from nonreg.clients.sftp import open_share
from nonreg.clients.sql import Rows
from nonreg.drills.clients import Clients
from nonreg.drills.drill import DrillRun
from nonreg.fixtures import Campaign
from nonreg.model import Criticality, Drill, DrillFault, DrillStage, Effect, SiteRole
from nonreg.probes.alarm_sink import read_calls
from nonreg.probes.frames import Reading
from nonreg.probes.replication import read_fresh
from nonreg.recorder import scenario
from nonreg.scenarios.applicatif.steps import ENTRY, FILE_PREFIX, dropped_files
from nonreg.scenarios.hd.exercices.jugement import judge_alarms, judge_interruption, judge_no_loss
from nonreg.simulator import StationSimulator, last_step
from nonreg.waiting import observe_until
from nonreg.witness import NotApplicable, Witness

DRILL = Effect.DISRUPTIVE
REQUIREMENTS = ("R35", "R53")
LONGEST_SECONDS = 120.0
DELAY_SECONDS = 2  # of the take-over during the drill; the real one is half an hour (DOMAIN §1.3)
JSON = "application/json"


def fallback(service: str, parameter: str = "") -> Drill:
    """A service of the active site stopped, its take-over delay lowered before where there is one."""
    lowered = DrillFault(
        "parameter_set",
        SiteRole.ACTIF,
        (("code", parameter), ("value", str(DELAY_SECONDS))),
        LONGEST_SECONDS,
    )
    stopped = DrillFault("service_stopped", SiteRole.ACTIF, (("service", service),), LONGEST_SECONDS)
    return Drill(DrillStage.SECOURS, (lowered, stopped) if parameter else (stopped,))


@scenario(
    "HD-016",
    "Secours IP : frontal actif arrêté, les stations passent au frontal du passif, puis reviennent",
    Criticality.BLOQUANTE,
    DRILL,
    REQUIREMENTS,
    timeout_seconds=240,
    drill=fallback("frontal"),
    queries=("buffer_origins",),
)
def test_ip_fallback(witness: Witness, campaign: Campaign, drill: DrillRun) -> None:
    label = f"Service frontal arrêté sur {campaign.active_site.code}"
    with drill.clients(stations=3, direct_writers=1) as clients:
        clients.settle()
        asked = drill.now()
        drill.inject("service_stopped")
        drill.alarms.expect(label)
        drill.alarms.wait_opened(label, campaign.patience("technical_alarm_seconds"))
        clients.wait_flowing()
        drill.heal_all()
        drill.alarms.wait_closed(label, campaign.patience("technical_alarm_seconds"))
        clients.settle(3.0)
    judge_signatures(witness, campaign, drill, clients, asked)
    home = campaign.active_site.code
    for station, targets in clients.list_targets().items():
        witness.expect(
            targets[-1:] == (home,),
            f"station {station}, frontal de chaque trame acquittée, dans l'ordre",
            f"retour au frontal de {home}",
            " puis ".join(targets),
        )
    judge_no_loss(witness, drill)
    judge_interruption(witness, campaign, drill)
    judge_alarms(witness, campaign, drill)


def judge_signatures(
    witness: Witness, campaign: Campaign, drill: DrillRun, clients: Clients, asked_seconds: float
) -> None:
    """Each measure taken since the fault is signed where its frontal is; the passive's took some of each."""
    taken = clients.find_signers(asked_seconds)
    stored: dict[tuple[str, datetime], str] = {}
    with campaign.session(campaign.active_site) as active:
        for station in drill.stations:
            rows = read_fresh(active, "buffer_origins", station=station.code)
            stored |= {(station.code, at): str(site) for _, at, _, site in rows.rows}
    passive, request = campaign.passive_site.code, rows.request
    wrong = tuple(
        (station, at, site, stored.get((station, at)))
        for (station, at), site in taken.items()
        if stored.get((station, at)) != site
    )
    columns = ("station", "mesure de", "prise par", "signée par")
    witness.expect_no_rows(Rows(columns, wrong, request), "chaque mesure signée par le site qui l'a prise")
    served = {station for (station, _), site in taken.items() if site == passive}
    unserved = tuple((one.code,) for one in drill.stations if one.code not in served)
    what = f"chaque station servie par le frontal de {passive} depuis la panne"
    witness.expect_no_rows(Rows(("station",), unserved, request), what)


@scenario(
    "HD-017",
    "Secours échange : service arrêté sur l'actif, le passif prend l'échange après le délai, l'événement le dit",
    Criticality.MAJEURE,
    DRILL,
    REQUIREMENTS,
    timeout_seconds=240,
    drill=fallback("echange", "SECOURS_ECHANGE_S"),
    queries=("buffer_origins", "drill_set_parameter", "fallback_events", "parameter"),
)
def test_exchange_fallback(witness: Witness, campaign: Campaign, drill: DrillRun) -> None:
    station = drill.create_station()
    label = f"Service echange arrêté sur {campaign.active_site.code}"
    at = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=1)
    line = f"date;code;valeur\n{at:%Y-%m-%d %H:%M:%S};{station.code}/H;612\n"
    name = f"{FILE_PREFIX}{campaign.id[:8]}_secours.csv"
    passive = campaign.passive_site
    with drill.clients(stations=0, direct_writers=0):
        drill.inject("parameter_set")
        stopped = drill.inject("service_stopped")
        drill.alarms.expect(label)
        drill.alarms.wait_opened(label, campaign.patience("technical_alarm_seconds"))
        with campaign.shell(passive) as shell, open_share(shell) as share, dropped_files(share):
            request = share.drop(ENTRY, name, line.encode())
            rows, seconds = drill.observe(
                lambda: read_origins(campaign, station),
                bool,
                campaign.patience("fallback_seconds") + DELAY_SECONDS,
            )
            witness.expect_equal(rows, [("H", at.replace(tzinfo=None), Decimal(612), passive.code)], request)
            limit = campaign.limit("fallback_seconds")
            witness.measure("prise de l'échange par le passif", seconds, "s", limit, request)
        with campaign.session(campaign.active_site) as active:
            told = read_fresh(active, "fallback_events", module="echange", since=drill.record.started_at)
        said = [str(row[1]) for row in told.rows]
        witness.expect(
            any(f"secours par {passive.code}" in text for text in said),
            told.request,
            f"un événement « en secours par {passive.code} »",
            said[:5],
        )
        drill.heal(stopped)
        drill.alarms.wait_closed(label, campaign.patience("technical_alarm_seconds"))
        drill.heal_all()
    judge_alarms(witness, campaign, drill)


def read_origins(campaign: Campaign, station: TestStation) -> list[tuple[object, ...]]:
    """What the active node holds of a station, with the site that signed it."""
    with campaign.session(campaign.active_site) as active:
        return [tuple(row) for row in active.query("buffer_origins", station=station.code).rows]


@scenario(
    "HD-018",
    "Secours LoRaWAN : service internet arrêté sur l'actif, le passif interroge l'opérateur, chaque message une fois",
    Criticality.MAJEURE,
    DRILL,
    REQUIREMENTS,
    timeout_seconds=240,
    drill=fallback("internet", "SECOURS_INTERNET_S"),
    queries=("buffer_origins", "drill_set_parameter", "parameter"),
)
def test_lorawan_fallback(witness: Witness, campaign: Campaign, drill: DrillRun) -> None:
    if campaign.witness_site.web.puits is None:
        raise NotApplicable("La plateforme n'a pas d'opérateur LoRaWAN d'essai.")
    station = drill.create_station()
    label = f"Service internet arrêté sur {campaign.active_site.code}"
    at = last_step(datetime.now(UTC)) - timedelta(hours=1)
    expected: list[tuple[object, ...]] = []
    with (
        drill.clients(stations=0, direct_writers=0),
        campaign.web(campaign.witness_site, "puits") as operator,
    ):

        def send(value: int) -> str:
            rank = len(expected)
            message = {
                "station": station.code,
                "grandeur": "H",
                "horodatage": (at + timedelta(minutes=5 * rank)).isoformat(),
                "valeur": value,
            }
            answer = operator.post("/lorawan/messages", json.dumps(message).encode(), JSON)
            witness.expect(answer.status in (200, 201), answer.request, "message pris", answer.status)
            return answer.request

        def judge(value: int, site: str, request: str) -> float:
            expected.append(("H", at + timedelta(minutes=5 * len(expected)), Decimal(value), site))
            within = campaign.patience("fallback_seconds") + DELAY_SECONDS
            rows, seconds = drill.observe(
                lambda: read_origins(campaign, station), lambda found: len(found) >= len(expected), within
            )
            witness.expect_equal(sorted(rows, key=str), sorted(expected, key=str), request)
            return seconds

        judge(501, campaign.active_site.code, send(501))
        drill.inject("parameter_set")
        stopped = drill.inject("service_stopped")
        drill.alarms.expect(label)
        drill.alarms.wait_opened(label, campaign.patience("technical_alarm_seconds"))
        request = send(502)
        seconds = judge(502, campaign.passive_site.code, request)
        witness.measure("collecte par le passif", seconds, "s", campaign.limit("fallback_seconds"), request)
        drill.heal(stopped)
        drill.alarms.wait_closed(label, campaign.patience("technical_alarm_seconds"))
        drill.heal_all()
        judge(503, campaign.active_site.code, send(503))
    judge_alarms(witness, campaign, drill)


@scenario(
    "HD-020",
    "Relève des alarmes : supervision active arrêtée, le passif transmet, chaque alarme une seule fois",
    Criticality.BLOQUANTE,
    DRILL,
    REQUIREMENTS,
    timeout_seconds=240,
    drill=fallback("supervision", "SECOURS_ALARME_S"),
    queries=("drill_set_parameter", "parameter"),
)
def test_alarm_fallback(witness: Witness, campaign: Campaign, drill: DrillRun) -> None:
    if campaign.witness_site.web.puits is None:
        raise NotApplicable("La plateforme n'a pas de puits d'alarmes.")
    station = drill.create_station(threshold_mm=1000)
    label = f"Site {campaign.active_site.code} muet"
    with drill.clients(stations=0, direct_writers=0), campaign.web(campaign.witness_site, "puits") as sink:
        drill.inject("parameter_set")
        drill.inject("service_stopped")
        drill.alarms.expect(label)
        drill.alarms.wait_opened(label, campaign.patience("technical_alarm_seconds"))
        with StationSimulator(campaign.platform, campaign.active_site) as simulator:
            pushed = simulator.push(station.code, [Reading("H", last_step(datetime.now(UTC)), Decimal(1500))])
        witness.expect_equal(pushed.status, 200, pushed.request)
        within = campaign.patience("fallback_seconds") + campaign.patience("alarm_seconds")
        told, seconds = drill.observe(lambda: read_calls(sink, station.code)[1], bool, within)
        senders = {call.site for call in told if call.site}
        passive = campaign.passive_site.code
        witness.expect(
            bool(told) and senders <= {passive},
            f"appels pour {station.code}, supervision de {campaign.active_site.code} encore arrêtée",
            f"un appel, de {passive}",
            f"{len(told)} appel(s) {', '.join(sorted(senders))}".strip(),
        )
        drill.heal_all()
        drill.alarms.wait_closed(label, campaign.patience("technical_alarm_seconds"))
        answer, calls = observe_until(  # a second call would come from the site that is back
            lambda: read_calls(sink, station.code), lambda got: len(got[1]) > 1, 2.0, 0.2
        )
        witness.expect_equal([call.text for call in calls], [f"JAUNE {station.code} H"], answer.request)
        limit = campaign.limit("fallback_seconds")
        witness.measure("alarme transmise par le passif", seconds, "s", limit, answer.request)
    judge_alarms(witness, campaign, drill)
