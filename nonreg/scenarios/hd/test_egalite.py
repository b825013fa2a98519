"""HD-008…010: both nodes hold the same rows in the same structure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from nonreg import baseline
from nonreg.clients.sql import Rows, Session
from nonreg.comparison.differences import Difference as RowDifference
from nonreg.comparison.differences import Kind
from nonreg.comparison.run import Options, Place, compare_table
from nonreg.comparison.slices import Bound
from nonreg.fixtures import Campaign
from nonreg.model import Criticality
from nonreg.probes.equality import (
    CHANGED,
    EXTRA,
    MISSING,
    UNPAIRED,
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
MEASURES = "prod.mesure"
FIRST_STEP, STEP = datetime(2000, 1, 1), timedelta(minutes=5)  # noqa: DTZ001 - UTC, as the database has it
KINDS = {Kind.MISSING: MISSING, Kind.EXTRA: EXTRA, Kind.CHANGED: CHANGED, Kind.UNPAIRED: UNPAIRED}
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
    "Mesures identiques, par tranche, puis ligne à ligne",
    Criticality.BLOQUANTE,
    timeout_seconds=COMPARISON_SECONDS,
    queries=(
        "compare_columns",
        "distributor",
        "high_water_chrono",
        "measure_count",
        "publisher_position",
        "subscriber_positions",
    ),
    alone=True,
)
def test_measures(witness: Witness, active: Session, passive: Session, campaign: Campaign) -> None:
    last = active.query("high_water_chrono", margin_seconds=MARGIN_SECONDS).scalar()
    before = read_fresh(active, "measure_count", last=last)
    quiesce(campaign, active)
    found = compare_table(
        place(campaign, active),
        place(campaign, passive),
        MEASURES,
        Options(bound=Bound("chr_id", last)),
        settle=lambda: quiesce(campaign, active),  # lag looks like a difference: looked at again
    )
    after = read_fresh(active, "measure_count", last=last)
    witness.expect(
        is_between(found.left_rows, before.scalar(), after.scalar()),
        before.request,
        "toutes les mesures sont comparées",
        found.left_rows,
    )
    columns = ("capteur", "instant UTC", "écart", "actif", "passif")
    rows = tuple(show_measure(difference) for difference in found.differences)
    note = (f"-- {found.more} autre(s) ligne(s) différentes, non détaillées",) if found.more else ()
    shown = Rows(columns, rows, "\n".join((*found.requests, *note)))
    witness.expect_no_rows(shown, "les mêmes mesures des deux côtés")


def place(campaign: Campaign, session: Session) -> Place:
    """Where a session's database is, for the comparison's own sessions."""
    sites = {site.code: site for site in campaign.platform.sites}
    return Place(campaign.platform, sites[session.site_code])


def show_measure(difference: RowDifference) -> tuple[Any, ...]:
    """One measure as the report shows it: sensor, instant, and what each side has beside them."""
    sensor, chrono = difference.key
    sides = (show_side(row[2:] if row else None) for row in (difference.left, difference.right))
    return (sensor, FIRST_STEP + (chrono - 1) * STEP, KINDS[difference.kind], *sides)


def show_side(values: tuple[Any, ...] | None) -> str:
    """The values of one side, NULL visible, an absent row empty."""
    return "" if values is None else " ".join("NULL" if value is None else str(value) for value in values)


@scenario(
    "HD-009b",
    "Autres articles identiques ligne à ligne",
    Criticality.BLOQUANTE,
    timeout_seconds=COMPARISON_SECONDS,
    queries=("article_digests", "article_rows", "distributor", "publisher_position", "subscriber_positions"),
    alone=True,
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
