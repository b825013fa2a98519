"""HD-008…010: both nodes hold the same rows in the same structure."""

from __future__ import annotations

from typing import Any

from nonreg import baseline
from nonreg.clients.sql import Rows, Session
from nonreg.errors import RequestFailed
from nonreg.fixtures import Campaign
from nonreg.model import Criticality
from nonreg.probes.equality import (
    Difference,
    compare_rows,
    find_differing,
    is_between,
    keep_persistent,
    narrow_documents,
    read_groups,
    read_rows,
)
from nonreg.probes.replication import read_fresh, wait_caught_up
from nonreg.probes.schema import read_modules, read_subject
from nonreg.recorder import scenario
from nonreg.witness import Witness, show

MARGIN_SECONDS = 300
COMPARISON_SECONDS = 150.0  # several looks, each after the passive node caught up
LOOKS = 3
DRILLED_GROUPS = 100
# Structure that must be the same on both nodes, beside the modules.
COMPARED = ("columns", "constraints", "indexes", "triggers", "permissions")


def quiesce(campaign: Campaign, active: Session) -> None:
    """Let the passive node receive all that the active one has written; INCONCLUSIF when it does not."""
    wait_caught_up(active, campaign.patience("replication_latency_seconds"))


@scenario(
    "HD-008",
    "Même nombre de lignes par article une fois la réplication à jour",
    Criticality.BLOQUANTE,
    timeout_seconds=COMPARISON_SECONDS,
    queries=("article_counts", "component_keys", "distributor", "publisher_position", "subscriber_positions"),
)
def test_counts(witness: Witness, active: Session, passive: Session, campaign: Campaign) -> None:
    suspects: list[tuple[str, int, int]] = []
    for _ in range(LOOKS):
        before = dict(read_fresh(active, "article_counts").rows)
        quiesce(campaign, active)
        rows = read_fresh(passive, "article_counts")
        after = dict(read_fresh(active, "article_counts").rows)
        suspects = [
            (article, after[article], count)
            for article, count in rows.rows
            if not is_between(count, before[article], after[article])
        ]
        if not suspects:
            break
    columns = ("article", "lignes sur l'actif", "lignes sur le passif")
    witness.expect_no_rows(Rows(columns, tuple(suspects), rows.request), "autant de lignes des deux côtés")
    # Components are written every second: the same rows, not the same times.
    witness.expect_rows(read_fresh(passive, "component_keys"), read_fresh(active, "component_keys").rows)


@scenario(
    "HD-009",
    "Mesures identiques, par capteur et par jour, puis ligne à ligne",
    Criticality.BLOQUANTE,
    timeout_seconds=COMPARISON_SECONDS,
    queries=(
        "distributor",
        "high_water_chrono",
        "measure_digests",
        "measure_digests_portable",
        "measure_rows",
        "publisher_position",
        "server_settings",
        "subscriber_positions",
    ),
)
def test_measures(witness: Witness, active: Session, passive: Session, campaign: Campaign) -> None:
    last = active.query("high_water_chrono", margin_seconds=MARGIN_SECONDS).scalar()
    query = choose_digest(active, passive)
    differing, rows = look_at_measures(campaign, active, passive, query, last)
    if differing:  # lag looks like a difference: what differs is looked at again
        again, rows = look_at_measures(campaign, active, passive, query, last)
        differing = [group for group in again if group in differing]
    found: list[Difference] = []
    more = len(differing) - DRILLED_GROUPS
    if differing:  # the rows decide: those that the flow of writes made differ do not stay as they were
        first, _ = drill_measures(campaign, active, passive, differing, last)
        second, rows = drill_measures(campaign, active, passive, differing, last)
        found = keep_persistent(first, second)
        if not found and more > 0:
            raise RequestFailed(f"{len(differing)} groupes changent sans cesse : comparaison impossible.")
    note = f"\n-- {more} autre(s) groupe(s) différents, non détaillés" if more > 0 else ""
    shown = show_differences(("capteur", "instant UTC"), found, rows.request + note)
    witness.expect_no_rows(shown, "les mêmes mesures des deux côtés")


def choose_digest(active: Session, passive: Session) -> str:
    """The servers' own hash between two of one major version, a portable one otherwise."""
    versions = {
        dict(session.query("server_settings").rows)["server_version_major"] for session in (active, passive)
    }
    return "measure_digests" if len(versions) == 1 else "measure_digests_portable"


def look_at_measures(
    campaign: Campaign, active: Session, passive: Session, query: str, last: int
) -> tuple[list[tuple[Any, ...]], Rows]:
    """Groups (sensor, day) whose digests differ once the passive node has caught up, with its answer."""
    quiesce(campaign, active)
    ours = read_fresh(active, query, last=last)
    theirs = read_fresh(passive, query, last=last)
    return find_differing(read_groups(ours, 2), read_groups(theirs, 2)), theirs


def drill_measures(
    campaign: Campaign, active: Session, passive: Session, groups: list[tuple[Any, ...]], last: int
) -> tuple[list[Difference], Rows]:
    """The rows that differ in the first groups once the passive node has caught up, with its answer."""
    quiesce(campaign, active)
    drilled = groups[:DRILLED_GROUPS]
    asked = {
        "sensors": [group[0] for group in drilled],
        "days": [group[1] for group in drilled],
        "last": last,
    }
    ours, theirs = (read_fresh(session, "measure_rows", **asked) for session in (active, passive))
    return compare_rows(read_rows(ours, 2), read_rows(theirs, 2)), theirs


def show_differences(names: tuple[str, ...], found: list[Difference], request: str) -> Rows:
    """Differences as the report shows them: key, kind, both sides."""
    rows = tuple(
        (*difference.key, difference.kind, show_side(difference.active), show_side(difference.passive))
        for difference in found
    )
    return Rows((*names, "écart", "actif", "passif"), rows, request)


def show_side(values: tuple[Any, ...] | None) -> str:
    """The values of one side, NULL visible, an absent row empty."""
    return "" if values is None else " ".join("NULL" if value is None else str(value) for value in values)


@scenario(
    "HD-009b",
    "Autres articles identiques ligne à ligne",
    Criticality.BLOQUANTE,
    timeout_seconds=COMPARISON_SECONDS,
    queries=("article_digests", "article_rows", "distributor", "publisher_position", "subscriber_positions"),
)
def test_articles(witness: Witness, active: Session, passive: Session, campaign: Campaign) -> None:
    quiesce(campaign, active)
    ours = read_fresh(active, "article_digests")
    theirs = read_fresh(passive, "article_digests")
    articles = [key[0] for key in find_differing(read_groups(ours, 1), read_groups(theirs, 1))]
    found: list[Difference] = []
    if articles:
        first = compare_articles(campaign, active, passive, articles)
        found = keep_persistent(first, compare_articles(campaign, active, passive, articles))
    shown = []
    for difference in found:
        left, right = (side[0] if side else None for side in (difference.active, difference.passive))
        shown.append((*difference.key, difference.kind, *narrow_documents(left, right)))
    columns = ("article", "clé", "écart", "actif", "passif")
    witness.expect_no_rows(Rows(columns, tuple(shown), theirs.request), "les mêmes lignes des deux côtés")


def compare_articles(
    campaign: Campaign, active: Session, passive: Session, articles: list[str]
) -> list[Difference]:
    """Rows of some articles that differ once the passive node has caught up."""
    quiesce(campaign, active)
    ours, theirs = (read_fresh(session, "article_rows", articles=articles) for session in (active, passive))
    return compare_rows(read_rows(ours, 2), read_rows(theirs, 2))


@scenario(
    "HD-010",
    "Structure identique des deux côtés, aux écarts déclarés près",
    Criticality.MAJEURE,
    queries=(
        "schema_columns",
        "schema_constraints",
        "schema_indexes",
        "schema_modules",
        "schema_permissions",
        "schema_sequences",
        "schema_triggers",
    ),
)
def test_structure(witness: Witness, active: Session, passive: Session, campaign: Campaign) -> None:
    expected = baseline.load_reference(campaign.platform.baseline, "replication")["schema_differences"]
    found: list[tuple[str, str, str]] = []
    requests = [passive.query("schema_modules").request]
    for subject in COMPARED:
        ours, theirs = (read_subject(session, subject) for session in (active, passive))
        found += differ(subject, set(ours.rows), set(theirs.rows))
        requests.append(theirs.request)
    ours, theirs = (session.query("schema_sequences") for session in (active, passive))
    found += differ("sequences", set(ours.rows), set(theirs.rows))
    requests.append(theirs.request)
    modules = [
        {(module.name, module.sha256) for module in read_modules(session)} for session in (active, passive)
    ]
    found += differ("modules", *modules)
    columns = ("sujet", "seulement sur", "ligne")
    witness.expect_rows(Rows(columns, tuple(found), "\n".join(requests)), expected)


def differ(subject: str, ours: set[Any], theirs: set[Any]) -> list[tuple[str, str, str]]:
    """(subject, side, row) for each row that only one side has."""
    sides = (("actif", ours - theirs), ("passif", theirs - ours))
    return [
        (subject, side, " | ".join(show(value) for value in row))
        for side, rows in sides
        for row in sorted(rows, key=repr)
    ]
