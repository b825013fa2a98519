"""HD-025: the network between both database sites cut, one route then both; what waited arrives without repair."""

from __future__ import annotations

import json

from nonreg.clients.sql import Session
from nonreg.clients.web import WebSession
from nonreg.drills.drill import DrillRun
from nonreg.fixtures import Campaign
from nonreg.model import Criticality, Drill, DrillFault, DrillStage, Effect, SiteRole
from nonreg.probes.replication import RUNNING_STATES, describe_agents, read_fresh
from nonreg.recorder import scenario
from nonreg.scenarios.hd.exercices.jugement import (
    expect_equal_nodes,
    judge_alarms,
    judge_interruption,
    judge_no_loss,
    judge_unaffected,
    measure_absorbed,
)
from nonreg.waiting import observe_until
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
    queries=("article_digests", "publisher_position", "subscriber_positions"),
)
def test_one_route_cut(witness: Witness, campaign: Campaign, drill: DrillRun) -> None:
    limit = campaign.limit("replication_latency_seconds")
    within = campaign.patience("replication_latency_seconds")
    with drill.clients() as clients, campaign.session(campaign.active_site) as active:
        clients.settle()
        by_first = read_agents(active)
        began = drill.now()
        drill.inject("link_cut", route="1")
        judge_route(witness, campaign, "2")
        by_second = observe_until(
            lambda: read_agents(active), lambda found: bool(found) and not found & by_first, within, 0.1
        )
        witness.expect(
            bool(by_second) and not by_second & by_first,
            "agents du publieur qui servent l'abonné, avant et pendant la coupure de la voie 1",
            "une autre connexion qu'avant, qui sert",
            ", ".join(sorted(f"{slot} {agent}" for slot, agent in by_second)) or "aucune",
        )
        measure_absorbed(witness, drill, active, began, "réplication par la voie 2", limit, within)
        clients.settle(1.0)
        judge_route(witness, campaign, "2")
        drill.heal_all()
        clients.wait_flowing()
    judge_no_loss(witness, drill)
    judge_unaffected(witness, drill)
    judge_interruption(witness, campaign, drill)
    expect_equal_nodes(witness, campaign)
    judge_alarms(witness, campaign, drill)


def read_agents(active: Session) -> frozenset[tuple[str, str]]:
    """The publisher's agents that serve a subscriber now; another connection is another agent."""
    agents = describe_agents(read_fresh(active, "publisher_agents"))
    return frozenset((slot, agent) for slot, agent, state in agents if state in RUNNING_STATES)


def judge_route(witness: Witness, campaign: Campaign, route: str) -> None:
    """The link says that it uses this route; nothing to ask where a person cuts it."""
    url = campaign.platform.drills.link_control
    if url:
        with WebSession(url, campaign.active_site.web.timeout_seconds) as web:
            answer = web.get("/liaison")
        witness.expect_equal(json.loads(answer.body).get("voie_utilisee"), route, answer.request)


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
    queries=(
        "article_digests",
        "drill_set_parameter",
        "parameter",
        "publisher_position",
        "subscriber_positions",
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
            drill.alarms.expect(label)
        for label in alarms:
            within = campaign.patience("technical_alarm_seconds") + REPLICATION_ALARM_SECONDS
            drill.alarms.wait_opened(label, within)
        clients.settle(CUT_SECONDS)
        began = drill.now()
        drill.heal(cut)
        limit, within = campaign.limit("backlog_seconds"), campaign.patience("backlog_seconds")
        with campaign.session(campaign.active_site) as active:
            measure_absorbed(witness, drill, active, began, "retard absorbé sans intervention", limit, within)
        drill.heal_all()
        clients.wait_flowing()
    judge_no_loss(witness, drill)
    judge_unaffected(witness, drill)
    judge_interruption(witness, campaign, drill)
    expect_equal_nodes(witness, campaign)
    judge_alarms(witness, campaign, drill)
