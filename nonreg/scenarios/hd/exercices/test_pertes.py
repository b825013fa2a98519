"""HD-023, 024, 026, 029: what is lost without warning, what nobody does by himself, and the old active that returns."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from nonreg.clients.sql import Rows
from nonreg.drills.clients import Clients
from nonreg.drills.drill import DrillRun
from nonreg.fixtures import Campaign
from nonreg.model import Criticality, Drill, DrillEventKind, DrillFault, DrillStage, Effect, SiteRole
from nonreg.probes.frames import Reading
from nonreg.probes.nodes import read_nodes
from nonreg.probes.replication import read_fresh
from nonreg.recorder import scenario
from nonreg.scenarios.hd.exercices.ancien_actif import (
    judge_call,
    judge_collection,
    judge_exports,
    list_exports,
)
from nonreg.scenarios.hd.exercices.jugement import (
    judge_alarms,
    judge_interruption,
    judge_measured_loss,
    judge_no_loss,
    judge_own_word,
    judge_unaffected,
)
from nonreg.simulator import StationSimulator, last_step
from nonreg.waiting import observe_until
from nonreg.witness import Witness

DRILL = Effect.DISRUPTIVE
REQUIREMENTS = ("R35", "R53")
WATCHED_SECONDS = 4.0  # nothing may change by itself in that time
RETURN_SECONDS = 20.0  # for the old active site to hear that another one is; a second on a quiet machine
LONGEST_SECONDS = 240.0
OVER = Decimal(1500)  # the threshold of the station that the old active site's frontal is given
FORCED = DrillFault("forced_over", max_seconds=LONGEST_SECONDS)
MACHINE = DrillFault("machine_off", SiteRole.ACTIF, max_seconds=LONGEST_SECONDS)
DATABASE = DrillFault(
    "service_killed", SiteRole.ACTIF, (("service", "postgresql"),), max_seconds=LONGEST_SECONDS
)


@scenario(
    "HD-023",
    "Perte de la base active en pleine écriture : aucun changement de rôle de lui-même, reprise forcée, RTO et RPO",
    Criticality.BLOQUANTE,
    DRILL,
    REQUIREMENTS,
    timeout_seconds=600,
    drill=Drill(DrillStage.PERTE, (DATABASE, FORCED)),
)
def test_active_database_lost(witness: Witness, campaign: Campaign, drill: DrillRun) -> None:
    lose_active(
        witness,
        campaign,
        drill,
        f"Service postgresql arrêté sur {campaign.active_site.code}",
        "service_killed",
    )


@scenario(
    "HD-024",
    "Perte du site actif entier : détection, reprise forcée sur le passif, RTO et RPO",
    Criticality.BLOQUANTE,
    DRILL,
    REQUIREMENTS,
    timeout_seconds=600,
    drill=Drill(DrillStage.PERTE, (MACHINE, FORCED)),
)
def test_active_site_lost(witness: Witness, campaign: Campaign, drill: DrillRun) -> None:
    lose_active(witness, campaign, drill, f"Site {campaign.active_site.code} muet", "machine_off")


def lose_active(witness: Witness, campaign: Campaign, drill: DrillRun, alarm: str, kind: str) -> None:
    """Break the active side, see that nobody takes over by himself, take over by force, account for the writes."""
    with drill.clients() as clients:
        clients.settle()
        lost = drill.inject(kind)
        drill.alarms.expect(alarm)
        drill.alarms.wait_opened(alarm, campaign.patience("technical_alarm_seconds"))
        clients.settle(WATCHED_SECONDS)
        judge_own_word(witness, drill, campaign.passive_site.code)
        drill.inject("forced_over")
        clients.wait_flowing()
    judge_measured_loss(witness, campaign, drill)
    judge_interruption(witness, campaign, drill)
    drill.heal(lost)
    drill.heal_all()
    judge_alarms(witness, campaign, drill)


@scenario(
    "HD-026",
    "Retour de l'ancien actif après une bascule forcée : il ne collecte, n'exporte, n'alarme pas comme actif",
    Criticality.BLOQUANTE,
    DRILL,
    REQUIREMENTS,
    timeout_seconds=600,
    drill=Drill(DrillStage.PERTE, (MACHINE, FORCED)),
    queries=("buffer_origins", "export_tasks"),
)
def test_split_brain(witness: Witness, campaign: Campaign, drill: DrillRun) -> None:
    old, new = campaign.active_site, campaign.passive_site
    station = drill.create_station(threshold_mm=1000)
    with drill.clients() as clients:
        clients.settle()
        exported = list_exports(campaign, old)
        off = drill.inject("machine_off")
        label = f"Site {old.code} muet"
        drill.alarms.expect(label)
        drill.inject("forced_over")
        clients.wait_flowing()
        drill.alarms.wait_opened(label, campaign.patience("technical_alarm_seconds"))
        returned_at = drill.now()
        drill.heal(off)
        watch_return(witness, drill, clients, old.code, returned_at)
        push_through_old(witness, campaign, station.code)
        judge_collection(witness, campaign, station.code)
        judge_call(witness, campaign, station.code)
        judge_exports(witness, campaign, old, exported)
        both = [node.site for node in read_nodes(campaign.platform) if node.role == "ACTIF"]
        witness.expect_equal(both, [new.code], "sites qui se disent actifs")
    judge_measured_loss(witness, campaign, drill)
    drill.heal_all()
    judge_alarms(witness, campaign, drill)


def watch_return(witness: Witness, drill: DrillRun, clients: Clients, site: str, returned_at: float) -> None:
    """The old active site says that it waits or is passive, never that it is active, and ends passive."""

    def seen() -> list[tuple[float, str]]:
        changes = [one for one in drill.role_changes(site) if one.at_seconds >= returned_at]
        return [(one.at_seconds, one.role) for one in changes if one.role]

    observe_until(seen, lambda found: bool(found) and found[-1][1] == "PASSIF", RETURN_SECONDS, 0.1)
    clients.settle(1.0)
    request = f"rôle que {site} se donne, relevé sans cesse depuis son retour"
    active = tuple((f"{at:.3f} s", role) for at, role in seen() if role == "ACTIF")
    witness.expect_no_rows(Rows(("à", "rôle"), active, request), "jamais ACTIF")
    last = seen()[-1][1] if seen() else "aucun"
    witness.expect_equal(last, "PASSIF", request)
    drill.note(DrillEventKind.NOTE, site, f"retour observé : {', '.join(role for _, role in seen())}")


def push_through_old(witness: Witness, campaign: Campaign, station: str) -> None:
    """What the old active site's frontal takes is stored on the new active one."""
    at, value = last_step(datetime.now(UTC)), OVER

    with StationSimulator(campaign.platform, campaign.active_site) as simulator:
        answer = observe_until(
            lambda: simulator.push(station, [Reading("H", at, value)]),
            lambda got: got.status == 200,
            campaign.patience("ingestion_seconds"),
            0.2,
        )
    witness.expect_equal(answer.status, 200, answer.request)
    with campaign.session(campaign.passive_site) as session:
        rows = read_fresh(session, "buffer_origins", station=station)
    witness.expect_rows(rows, [("H", at, value, campaign.active_site.code)])


@scenario(
    "HD-029",
    "Perte du site de surveillance : détectée par les autres, service inchangé",
    Criticality.MAJEURE,
    DRILL,
    REQUIREMENTS,
    timeout_seconds=300,
    drill=Drill(
        DrillStage.PERTE, (DrillFault("machine_off", SiteRole.SURVEILLANCE, max_seconds=LONGEST_SECONDS),)
    ),
)
def test_witness_site_lost(witness: Witness, campaign: Campaign, drill: DrillRun) -> None:
    label = f"Site {campaign.witness_site.code} muet"
    with drill.clients() as clients:
        clients.settle()
        drill.inject("machine_off")
        drill.alarms.expect(label)  # the sink is on the lost site: it is told afterwards
        limit = campaign.limit("technical_alarm_seconds")
        seconds = drill.alarms.wait_shown(
            label, campaign.active_site, campaign.patience("technical_alarm_seconds")
        )
        request = f"alarmes ouvertes, supervision de {campaign.active_site.code}"
        if seconds is None:
            witness.expect(False, request, label, "aucune")
        else:
            witness.measure("détection de la perte", round(seconds, 3), "s", limit, request)
        clients.settle(WATCHED_SECONDS)
        drill.heal_all()
        clients.wait_flowing()
    judge_no_loss(witness, drill)
    judge_unaffected(witness, drill)
    judge_interruption(witness, campaign, drill, "rto_planned_seconds")
    judge_alarms(witness, campaign, drill)
