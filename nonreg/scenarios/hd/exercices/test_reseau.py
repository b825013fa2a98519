"""HD-025: the network between both database sites cut, one route then both; what waited arrives without repair."""

from __future__ import annotations

from nonreg.drills.drill import DrillRun
from nonreg.fixtures import Campaign
from nonreg.model import Criticality, Drill, DrillFault, DrillStage, Effect, SiteRole
from nonreg.probes.replication import wait_caught_up
from nonreg.recorder import scenario
from nonreg.scenarios.hd.exercices.jugement import (
    expect_equal_nodes,
    judge_alarms,
    judge_interruption,
    judge_no_loss,
)
from nonreg.witness import Witness

DRILL = Effect.DISRUPTIVE
REQUIREMENTS = ("R35", "R53")
CUT_SECONDS = 5.0
REPLICATION_ALARM_SECONDS = 2


@scenario(
    "HD-025",
    "Coupure de la voie 1 entre les sites : la voie 2 prend le relais, la réplication suit",
    Criticality.MAJEURE,
    DRILL,
    REQUIREMENTS,
    timeout_seconds=240,
    drill=Drill(DrillStage.RESEAU, (DrillFault("link_cut", None, (("route", "1"),), 60.0),)),
)
def test_one_route_cut(witness: Witness, campaign: Campaign, drill: DrillRun) -> None:
    limit = campaign.limit("replication_latency_seconds")
    with drill.clients() as clients:
        clients.settle()
        drill.inject("link_cut", route="1")
        clients.settle(1.0)
        with campaign.session(campaign.active_site) as active:
            seconds = wait_caught_up(active, campaign.patience("replication_latency_seconds"))
        request = "position du publieur, confirmée par l'abonné pendant la coupure de la voie 1"
        witness.measure("réplication par la voie 2", round(seconds, 3), "s", limit, request)
        drill.heal_all()
        clients.wait_flowing()
    judge_no_loss(witness, drill)
    judge_interruption(witness, campaign, drill)
    judge_alarms(witness, campaign, drill)


@scenario(
    "HD-025b",
    "Coupure des deux voies entre les sites : service rendu, alarmes levées, retard absorbé sans réparation",
    Criticality.BLOQUANTE,
    DRILL,
    REQUIREMENTS,
    timeout_seconds=300,
    drill=Drill(
        DrillStage.RESEAU,
        (
            DrillFault(
                "parameter_set",
                SiteRole.ACTIF,
                (("code", "REPLICATION_ALARME_S"), ("value", str(REPLICATION_ALARM_SECONDS))),
                120.0,
            ),
            DrillFault("link_cut", None, (("route", "toutes"),), 90.0),
        ),
    ),
)
def test_both_routes_cut(witness: Witness, campaign: Campaign, drill: DrillRun) -> None:
    codes = sorted((campaign.active_site.code, campaign.passive_site.code))
    alarms = (
        f"Liaison {codes[0]} – {codes[1]} coupée",
        f"Réplication interrompue vers {campaign.passive_site.code}",
    )
    with drill.clients() as clients:
        clients.settle()
        drill.inject("parameter_set")
        cut = drill.inject("link_cut", route="toutes")
        for label in alarms:
            drill.expect_alarm(label)
        for label in alarms:
            within = campaign.patience("technical_alarm_seconds") + REPLICATION_ALARM_SECONDS
            drill.wait_alarm(label, within)
        clients.settle(CUT_SECONDS)
        drill.heal(cut)
        with campaign.session(campaign.active_site) as active:
            limit = campaign.limit("backlog_seconds")
            seconds = wait_caught_up(active, campaign.patience("backlog_seconds"))
        request = "position du publieur au rétablissement, confirmée par l'abonné sans intervention"
        witness.measure("retard absorbé", round(seconds, 3), "s", limit, request)
        drill.heal_all()
        clients.wait_flowing()
    judge_no_loss(witness, drill)
    judge_interruption(witness, campaign, drill)
    expect_equal_nodes(witness, campaign)
    judge_alarms(witness, campaign, drill)
