"""HD-031, 032: what the engine's own tools say of the replication: Replication Monitor, tracer tokens."""

from __future__ import annotations

from nonreg.clients.sql import Session, load_query, open_session
from nonreg.errors import AccessDenied
from nonreg.fixtures import Campaign
from nonreg.model import Criticality, Effect
from nonreg.probes.replication import require_distributor
from nonreg.probes.replication_monitor import judge_subscription, parse_subscriptions, send_tracer
from nonreg.recorder import scenario
from nonreg.witness import NotApplicable, Witness, show_table

HISTORY_MINUTES = 60


@scenario(
    "HD-031",
    "Moniteur de réplication : aucun abonnement en échec, en retard ou près d'expirer",
    Criticality.MAJEURE,
    queries=("distribution_history", "distributor", "publications", "replication_monitor"),
)
def test_monitor(witness: Witness, active: Session, campaign: Campaign) -> None:
    require_distributor(active)
    publications = list_publications(witness, active, "replication_monitor")
    (publisher,) = active.query("distributor").dicts()
    names = {"publisher": publisher["publisher"], "publisher_db": publisher["publisher_db"]}
    with open_session(campaign.platform, campaign.active_site, autocommit=True) as session:
        for publication in publications:
            rows = session.query("replication_monitor", publication=publication, **names)
            found = parse_subscriptions(rows)
            witness.expect(bool(found), rows.request, f"au moins un abonnement à {publication}", "aucun")
            wrong = " ; ".join(filter(None, map(judge_subscription, found)))
            witness.expect(not wrong, rows.request, "chaque abonnement à jour", wrong)
    history = active.query("distribution_history", minutes=HISTORY_MINUTES)
    witness.attach("messages des agents", show_table(history), "tsv")


@scenario(
    "HD-032",
    "Jeton de suivi : du journal du site actif au passif",
    Criticality.MINEURE,
    Effect.WRITES_TEST_DATA,
    timeout_seconds=150,
    queries=("publications", "tracer_history", "tracer_post"),
)
def test_tracer(witness: Witness, active: Session, campaign: Campaign) -> None:
    limit = campaign.limit("replication_latency_seconds")
    within = campaign.patience("replication_latency_seconds")
    publications = list_publications(witness, active, "tracer_post")
    with open_session(campaign.platform, campaign.active_site, "writer", autocommit=True) as session:
        for publication in publications:
            try:
                ways = send_tracer(session, publication, within)
            except AccessDenied as error:
                raise NotApplicable(
                    "Poser un jeton de suivi demande db_owner, que le compte d'écriture n'a pas : la latence est "
                    "mesurée par des battements (HD-005)."
                ) from error
            request = f"sys.sp_posttracertoken, sys.sp_helptracertokenhistory ({publication})"
            late = ", ".join(way.subscriber for way in ways if way.overall_seconds is None)
            witness.expect(bool(ways), request, "au moins un abonné initialisé", "aucun")
            witness.expect(
                not late, request, f"le jeton chez chaque abonné en {within:g} s", f"absent : {late}"
            )
            for way in ways:
                if way.overall_seconds is not None:
                    name = f"jeton jusqu'à {way.subscriber}"
                    witness.measure(name, float(way.overall_seconds), "s", limit, request)


def list_publications(witness: Witness, active: Session, then: str) -> list[str]:
    """Names of the publications, none being a gap; NotOnEngine first where the query asked `then` of each cannot be."""
    load_query(active.engine, then)
    rows = active.query("publications")
    witness.expect(bool(rows.rows), rows.request, "au moins une publication", "aucune")
    return [str(row["publication"]) for row in rows.dicts()]
