"""HD-002, 003, 004, 006, 007: the replication itself: articles, agents, backlog, errors, log held back."""

from __future__ import annotations

from nonreg import baseline
from nonreg.clients.sql import Rows, Session
from nonreg.environment import REPLICATION_ERRORS, UNKNOWN, find_value
from nonreg.errors import RequestFailed
from nonreg.fixtures import Campaign
from nonreg.model import Criticality
from nonreg.probes.replication import (
    count_errors,
    describe_agents,
    is_growing,
    judge_agents,
    read_backlog,
    read_fresh,
    require_distributor,
)
from nonreg.recorder import scenario
from nonreg.store import load_latest_facts
from nonreg.waiting import observe_until, sample
from nonreg.witness import Witness

AGENT_SECONDS, AGENT_SAMPLES, AGENT_PERIOD_SECONDS = 6.0, 3, 0.4
BACKLOG_SAMPLES, BACKLOG_PERIOD_SECONDS = 3, 1.0
SLOT_SECONDS = 3.0
PENDING_LIMITS = {"octets": "replication_pending_bytes", "commandes": "replication_pending_commands"}
KEPT_LOG = ("reserved", "extended")


@scenario(
    "HD-002",
    "Publication complète, chaque article attendu, abonnement activé",
    Criticality.BLOQUANTE,
    queries=("publication_articles", "publications", "subscription_articles", "subscriptions"),
)
def test_publication(witness: Witness, active: Session, passive: Session, campaign: Campaign) -> None:
    expected = baseline.load_reference(campaign.platform.baseline, "replication")
    publication, articles = expected["publication"], expected["articles"]
    witness.expect_rows(active.query("publications"), [(publication, "oui", "oui", "oui", "oui")])
    published = active.query("publication_articles", publication=publication)
    witness.expect_rows(published, [(article, "toutes", 0) for article in articles])
    subscriptions = passive.query("subscriptions")
    shown = Rows(
        ("is_enabled", "publications"),
        tuple((row["is_enabled"], row["publications"]) for row in subscriptions.dicts()),
        subscriptions.request,
    )
    witness.expect_rows(shown, [("oui", publication)])
    witness.expect_rows(passive.query("subscription_articles"), [(article, "prêt") for article in articles])


@scenario(
    "HD-003",
    "Agents de réplication en marche des deux côtés, sans redémarrage",
    Criticality.BLOQUANTE,
    queries=("distributor", "publisher_agents", "subscriber_agents"),
)
def test_agents(witness: Witness, active: Session, passive: Session) -> None:
    require_distributor(active)

    # A worker may be restarting: it gets a few seconds to run steadily, no more.
    def read() -> tuple[Rows, Rows]:
        return read_fresh(active, "publisher_agents"), read_fresh(passive, "subscriber_agents")

    samples = observe_until(
        lambda: sample(read, AGENT_SAMPLES, AGENT_PERIOD_SECONDS),
        lambda got: not any(judge_agents([describe_agents(one[side]) for one in got]) for side in (0, 1)),
        AGENT_SECONDS,
    )
    for side in (0, 1):
        problem = judge_agents([describe_agents(one[side]) for one in samples])
        request = samples[-1][side].request
        witness.expect(not problem, request, "chaque agent en marche, toujours le même", problem)


@scenario(
    "HD-004",
    "Volume en attente de réplication sous la limite et sans croissance",
    Criticality.MAJEURE,
    queries=("distributor", "replication_backlog"),
)
def test_backlog(witness: Witness, active: Session, campaign: Campaign) -> None:
    samples = sample(lambda: read_backlog(active), BACKLOG_SAMPLES, BACKLOG_PERIOD_SECONDS)
    request, last = samples[-1][0].request, samples[-1][1]
    witness.expect(bool(last), request, "au moins un abonné déclaré", "aucun emplacement de réplication")
    for slot, latest in last.items():
        series = [found[slot] for _, found in samples if slot in found]
        pending = [point.pending for point in series]
        limit = campaign.limit(PENDING_LIMITS[latest.unit])
        witness.measure(f"volume en attente, {slot}", float(max(pending)), latest.unit, limit, request)
        witness.expect(
            not is_growing(series),
            request,
            f"un volume en attente qui se résorbe ({slot})",
            "croissance continue : " + ", ".join(f"{value} {latest.unit}" for value in pending),
        )


@scenario(
    "HD-006",
    "Aucune erreur de réplication depuis le début de la campagne",
    Criticality.MAJEURE,
    queries=("distributor", "replication_errors"),
)
def test_errors(witness: Witness, active: Session, passive: Session, campaign: Campaign) -> None:
    facts = load_latest_facts(campaign.run_dir)
    # Some engines count on the subscriber what it could not apply, others at the publisher what its agents met.
    for session in (passive, active):
        mark = find_value(facts, session.site_code, REPLICATION_ERRORS) or UNKNOWN
        if not mark.isdigit():
            raise RequestFailed(f"Le compteur d'erreurs au départ de la campagne n'est pas connu : {mark}")
        if session is active:
            require_distributor(active)  # elsewhere, a count of none would prove nothing
        rows = read_fresh(session, "replication_errors")
        if session is passive:
            witness.expect(bool(rows.rows), rows.request, "un compteur par abonnement", "aucun abonnement")
        found = count_errors(rows)
        witness.expect(
            found <= int(mark),
            rows.request,
            f"aucune erreur nouvelle sur {session.site_code} (compteur au départ : {mark})",
            f"compteur : {found}",
        )


@scenario(
    "HD-007",
    "Emplacements de réplication sains, journal retenu sous la limite",
    Criticality.MAJEURE,
    queries=("distributor", "replication_slots", "subscriptions"),
)
def test_slots(witness: Witness, active: Session, passive: Session, campaign: Campaign) -> None:
    require_distributor(active)
    subscriptions = passive.query("subscriptions")
    slots = sorted(str(row["slot"]) for row in subscriptions.dicts())
    witness.expect(bool(slots), subscriptions.request, "au moins un abonnement", "aucun abonnement")
    disabled = ", ".join(row["subscription"] for row in subscriptions.dicts() if not row["is_enabled"])
    witness.expect(not disabled, subscriptions.request, "chaque abonnement activé", f"désactivé : {disabled}")
    rows = observe_until(
        lambda: read_fresh(active, "replication_slots"),
        lambda got: all(row["is_used"] for row in got.dicts()),
        SLOT_SECONDS,
        0.2,
    )
    # A slot that nobody reads keeps the log for ever: exactly those of the subscriptions may exist.
    kept = tuple(
        (row["slot"], row["is_used"], row["wal_status"] in KEPT_LOG, row["is_conflicting"])
        for row in rows.dicts()
    )
    shown = Rows(("emplacement", "lu", "journal disponible", "en conflit"), kept, rows.request)
    witness.expect_rows(shown, [(slot, True, True, False) for slot in slots])
    limit = campaign.limit("replication_retained_bytes")
    for row in rows.dicts():
        if row["retained_bytes"] is not None:
            witness.measure(
                f"journal retenu, {row['slot']}", float(row["retained_bytes"]), "octets", limit, rows.request
            )
