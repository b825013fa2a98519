"""HD-021, 022, 027, 028: the planned switchover, what works after it, the way back, and the passive copied again."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from decimal import Decimal

from nonreg.clients.sftp import open_share
from nonreg.clients.sql import Rows
from nonreg.drills.drill import DrillRun
from nonreg.fixtures import Campaign
from nonreg.model import Criticality, Drill, DrillFault, DrillStage, Effect
from nonreg.probes.client_page import parse_latest
from nonreg.probes.exports import parse_name
from nonreg.probes.frames import Reading
from nonreg.probes.nodes import Node, read_nodes, require_known
from nonreg.probes.replication import read_fresh
from nonreg.recorder import scenario
from nonreg.scenarios.applicatif.steps import ORDERS, OUTBOX, sign_in
from nonreg.scenarios.hd.exercices.ancien_actif import (
    judge_call,
    judge_collection,
    judge_exports,
    list_exports,
)
from nonreg.scenarios.hd.exercices.jugement import (
    expect_equal_nodes,
    judge_alarms,
    judge_interruption,
    judge_no_loss,
)
from nonreg.simulator import StationSimulator, last_step
from nonreg.waiting import observe_until
from nonreg.witness import Witness

DRILL = Effect.DISRUPTIVE
REQUIREMENTS = ("R35", "R53")
SWITCH = DrillFault("switched_over", max_seconds=300.0)
WRITERS, STATIONS, LEAST_WRITES = 4, 4, 2000  # so that replication that loses one row in a thousand is found


@scenario(
    "HD-021",
    "Bascule planifiée sous charge : rôles inversés, réplication retournée, aucune écriture acquittée perdue",
    Criticality.BLOQUANTE,
    DRILL,
    REQUIREMENTS,
    timeout_seconds=400,
    drill=Drill(DrillStage.PLANIFIE, (SWITCH,)),
    queries=("export_tasks",),
)
def test_planned_switchover(witness: Witness, campaign: Campaign, drill: DrillRun) -> None:
    with drill.clients(stations=STATIONS, direct_writers=WRITERS) as clients:
        clients.settle_writes(LEAST_WRITES)
        exported = list_exports(campaign, campaign.active_site)
        drill.inject("switched_over")
        clients.wait_flowing()
        old, new = require_known(read_nodes(campaign.platform))
        request = "rôle et réplication de chaque site, lus sur lui-même"
        witness.expect_equal((old.role, new.role), ("PASSIF", "ACTIF"), request)
        witness.expect_equal(
            (old.subscribers, new.subscriptions), (0, 0), f"{request}\n-- ancien sens retiré"
        )
        nodes = observe_until(
            lambda: read_nodes(campaign.platform),
            lambda found: count_ends(found) == [1, 1],
            campaign.patience("replication_latency_seconds"),
            0.1,
        )
        reversed_way = count_ends(require_known(nodes))
        witness.expect_equal(reversed_way, [1, 1], f"{request}\n-- nouveau sens établi")
        judge_exports(witness, campaign, campaign.active_site, exported)
    judge_no_loss(witness, drill)
    judge_interruption(witness, campaign, drill)
    drill.heal_all()
    judge_alarms(witness, campaign, drill)


@scenario(
    "HD-022",
    "Après bascule : collecte, affinage, export, alarme et client léger sur le nouvel actif, plus rien sur l'ancien",
    Criticality.BLOQUANTE,
    DRILL,
    REQUIREMENTS,
    timeout_seconds=400,
    drill=Drill(DrillStage.PLANIFIE, (SWITCH,)),
    queries=("buffer_origins", "buffer_pending", "export_tasks"),
)
def test_service_after_switchover(witness: Witness, campaign: Campaign, drill: DrillRun) -> None:
    station = drill.create_station(threshold_mm=1000)
    exported = list_exports(campaign, campaign.active_site)
    drill.inject("switched_over")
    new, old = campaign.passive_site, campaign.active_site  # as the platform file names them
    at, level = last_step(datetime.now(UTC)), Decimal(1234)
    with StationSimulator(campaign.platform, new) as simulator:
        answer = simulator.push(station.code, [Reading("H", at, level)])
    witness.expect_equal(answer.status, 200, answer.request)
    with campaign.session(new) as session:
        refined = observe_until(
            lambda: read_fresh(session, "buffer_pending", stations=station.code).scalar(),
            lambda pending: pending == 0,
            campaign.patience("ingestion_seconds"),
            0.1,
        )
        witness.expect_equal(refined, 0, f"valeurs en attente d'affinage sur {new.code}")
        witness.expect_rows(
            read_fresh(session, "buffer_origins", station=station.code), [("H", at, level, new.code)]
        )
        task = str(session.query("export_tasks").dicts()[0]["tac_nom"])
    judge_call(witness, campaign, station.code)
    judge_collection(witness, campaign, station.code)
    with campaign.shell(new) as shell, open_share(shell) as share:
        before = set(share.list_files(OUTBOX))
        share.drop(ORDERS, f"{task}.ordre", b"")
        written = observe_until(
            lambda: [name for name in share.list_files(OUTBOX) if name not in before and is_of(name, task)],
            bool,
            campaign.patience("exchange_seconds"),
            0.1,
        )
        witness.expect(bool(written), f"ordre d'export {task} sur {new.code}", "un fichier exporté", "aucun")
        for name in written:
            share.remove(f"{OUTBOX}/{name}")
    with campaign.web(new, "client") as web:
        password = campaign.platform.secret(new.web.client_password_env)
        sign_in(web, campaign, password)
        page = web.get("/dernieres")
    shown = [value.station for value in parse_latest(page.body)] if page.status == 200 else []
    witness.expect(
        station.code in shown, page.request, f"la station {station.code}", f"{page.status}, {shown}"
    )
    judge_exports(witness, campaign, old, exported)
    with campaign.session(old) as session:
        request = session.query("site_role").request
        witness.expect_equal(session.query("site_role").scalar(), "PASSIF", request)
    drill.heal_all()
    judge_alarms(witness, campaign, drill)


@scenario(
    "HD-027",
    "Réinitialisation de l'abonné : copie complète, égalité rétablie, durée mesurée",
    Criticality.MAJEURE,
    DRILL,
    REQUIREMENTS,
    timeout_seconds=400,
    drill=Drill(DrillStage.PLANIFIE, (DrillFault("reinitialised", max_seconds=300.0),)),
    queries=("article_digests", "publisher_position", "subscriber_positions", "subscription_identities"),
)
def test_reinitialisation(witness: Witness, campaign: Campaign, drill: DrillRun) -> None:
    with drill.clients() as clients:
        clients.settle()
        before = read_subscription(campaign)
        began = time.monotonic()
        drill.inject("reinitialised")
        seconds = round(time.monotonic() - began, 3)
        by_hand = drill.planned.faults[0].by_hand  # nobody saw when the person began: no limit is judged
        name = f"réinitialisation de l'abonné{', temps de la personne compris' if by_hand else ''}"
        limit = None if by_hand else campaign.limit("reinitialisation_seconds")
        witness.measure(name, seconds, "s", limit, "gestionnaire de bascule")
        after = read_subscription(campaign)
        made = set(after.rows) - set(before.rows)
        witness.expect(bool(made), after.request, "un abonnement recréé : une copie a été faite", "le même")
        clients.wait_flowing()
    judge_no_loss(witness, drill)
    expect_equal_nodes(witness, campaign)
    drill.heal_all()
    judge_alarms(witness, campaign, drill)


@scenario(
    "HD-028",
    "Retour au site nominal sous charge : rôles et réplication du départ, égalité, rien de perdu",
    Criticality.BLOQUANTE,
    DRILL,
    REQUIREMENTS,
    timeout_seconds=500,
    drill=Drill(DrillStage.PLANIFIE, (SWITCH,)),
    queries=("article_digests", "publisher_position", "subscriber_positions"),
)
def test_failback(witness: Witness, campaign: Campaign, drill: DrillRun) -> None:
    away = drill.inject("switched_over")
    with drill.clients() as clients:
        clients.settle()
        drill.begin_tool("retour au site nominal")
        drill.heal(away)
        clients.wait_flowing()
    judge_no_loss(witness, drill)
    judge_interruption(witness, campaign, drill)
    active, passive = require_known(read_nodes(campaign.platform))
    request = "rôle et réplication de chaque site, lus sur lui-même"
    witness.expect_equal((active.role, passive.role), ("ACTIF", "PASSIF"), request)
    witness.expect_equal((active.subscribers, passive.subscriptions), (1, 1), request)
    expect_equal_nodes(witness, campaign)
    judge_alarms(witness, campaign, drill)


def count_ends(nodes: tuple[Node, Node]) -> list[int]:
    """For each node, the ends of running replications that it has."""
    return [node.subscribers + node.subscriptions for node in nodes]


def read_subscription(campaign: Campaign) -> Rows:
    """The passive site's subscription: one that was made again has another number."""
    with campaign.session(campaign.passive_site) as session:
        return session.query("subscription_identities")


def is_of(name: str, task: str) -> bool:
    """True for an export file of that task."""
    export = parse_name(name)
    return export is not None and export.task == task
