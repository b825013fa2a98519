"""HD-012, 013b: a delivery's schema change, and a mass update, while the stations go on."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from nonreg.bench import Bench
from nonreg.clients.sql import Session
from nonreg.drills.drill import DrillRun
from nonreg.faults.schema import describe_columns, read_columns
from nonreg.fixtures import Campaign
from nonreg.model import Criticality, Drill, DrillFault, DrillStage, Effect, SiteRole
from nonreg.probes.replication import read_fresh, wait_caught_up
from nonreg.recorder import scenario
from nonreg.scenarios.hd.exercices.jugement import (
    expect_equal_nodes,
    judge_alarms,
    judge_interruption,
    judge_no_loss,
)
from nonreg.waiting import observe_until
from nonreg.witness import Witness

DRILL = Effect.DISRUPTIVE
REQUIREMENTS = ("R35", "R53")
MASS_VALUES, MASS_DAYS = 20_000, 75  # per sensor; five sensors make 100 000
MASS_SENSORS = 5


@scenario(
    "HD-012",
    "Changement de schéma : la colonne ajoutée au publieur arrive à l'abonné, puis disparaît des deux",
    Criticality.MAJEURE,
    DRILL,
    REQUIREMENTS,
    timeout_seconds=240,
    drill=Drill(DrillStage.CHARGE, (DrillFault("column_added", SiteRole.ACTIF, (), 120.0),)),
    queries=(
        "article_digests",
        "drill_alter_article",
        "drill_article_columns",
        "publisher_position",
        "subscriber_positions",
    ),
)
def test_schema_change(witness: Witness, campaign: Campaign, drill: DrillRun) -> None:
    limit = campaign.limit("schema_change_seconds")
    within = campaign.patience("schema_change_seconds")
    with (
        drill.clients() as clients,
        campaign.session(campaign.active_site) as active,
        campaign.session(campaign.passive_site) as passive,
    ):
        clients.settle()
        before = describe_columns(read_columns(active))
        began = time.monotonic()
        drill.inject("column_added")
        changed = read_columns(active)
        witness.expect(describe_columns(changed) != before, changed.request, "une colonne de plus", before)
        seconds = follow(witness, passive, describe_columns(changed), within, began)
        request = f"{changed.request}\n-- sur {passive.site_code}"
        witness.measure("colonne arrivée à l'abonné", seconds, "s", limit, request)
        began = time.monotonic()
        drill.heal_all()  # returns when both nodes have lost it
        seconds = follow(witness, passive, before, within, began)
        witness.measure("colonne retirée de l'abonné", seconds, "s", limit, request)
        clients.wait_flowing()
    judge_no_loss(witness, drill)
    expect_equal_nodes(witness, campaign)
    judge_alarms(witness, campaign, drill)


def follow(witness: Witness, passive: Session, columns: str, within_seconds: float, began: float) -> float:
    """Seconds from the order, `began` on the monotonic clock, until the subscriber has these columns."""
    rows = observe_until(
        lambda: read_columns(passive), lambda found: describe_columns(found) == columns, within_seconds, 0.05
    )
    witness.expect_equal(describe_columns(rows), columns, f"{rows.request}\n-- sur {passive.site_code}")
    return round(time.monotonic() - began, 3)


@scenario(
    "HD-013b",
    "Mise à jour en masse : 100 000 mesures pendant que les stations écrivent, retard absorbé",
    Criticality.MAJEURE,
    DRILL,
    REQUIREMENTS,
    timeout_seconds=400,
    drill=Drill(DrillStage.CHARGE, ()),
    queries=("article_digests", "bench_store_series", "publisher_position", "subscriber_positions"),
)
def test_mass_update(witness: Witness, campaign: Campaign, drill: DrillRun) -> None:
    limit = campaign.limit("backlog_seconds")
    start = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    start -= timedelta(days=MASS_DAYS)
    with drill.clients() as clients:
        clients.settle()
        with campaign.session(campaign.active_site, "writer") as session:
            bench = Bench(session, campaign.id)
            first, second = bench.create_station(), bench.create_station()
            sensors = (first.level, first.discharge, first.rain, second.level, second.discharge)
            for sensor in sensors[:MASS_SENSORS]:
                bench.call("bench_store_series", sensor=sensor, start=start, values=MASS_VALUES)
            began = time.monotonic()
            session.commit()
        with (
            campaign.session(campaign.active_site) as active,
            campaign.session(campaign.passive_site) as passive,
        ):
            wait_caught_up(active, campaign.patience("backlog_seconds"))
            seconds = round(time.monotonic() - began, 3)
            expected = read_fresh(active, "test_data_left", campaign_id=campaign.id)
            arrived = observe_until(
                lambda: dict(read_fresh(passive, "test_data_left", campaign_id=campaign.id).rows).get(
                    "mesure", 0
                ),
                lambda found: found >= MASS_SENSORS * MASS_VALUES,
                campaign.patience("backlog_seconds"),
                0.2,
            )
        witness.expect(
            arrived >= MASS_SENSORS * MASS_VALUES,
            f"{expected.request}\n-- sur {campaign.passive_site.code}",
            f"{MASS_SENSORS * MASS_VALUES} mesures",
            arrived,
        )
        witness.measure(
            "100 000 mesures sur le passif après validation", seconds, "s", limit, expected.request
        )
        clients.wait_flowing()
    judge_no_loss(witness, drill)
    judge_interruption(witness, campaign, drill)
    expect_equal_nodes(witness, campaign)  # the stations' own measures must not stand for lost ones
    judge_alarms(witness, campaign, drill)
