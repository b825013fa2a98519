"""Reinitialisation: a site becomes the passive subscriber of the active one again, with a full copy of every article.

Whatever an earlier role, a switchover that was killed or a forced takeover left on it is thrown away.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import psycopg
from psycopg import sql

from nonreg.sandbox.dataset import PUBLICATION
from nonreg.sandbox.layout import Layout
from nonreg.sandbox.switchover.articles import Article, align_columns, read_articles
from nonreg.sandbox.switchover.decision import check_reinitialisation, refuse
from nonreg.sandbox.switchover.lock import Mandates
from nonreg.sandbox.switchover.nodes import (
    ACTIVE,
    Connection,
    connect,
    declare,
    end_left_overs,
    other_site,
    read_node,
    wait_for_writers,
)
from nonreg.sandbox.switchover.progress import Steps
from nonreg.sandbox.switchover.replication import (
    drop_slots,
    drop_subscriptions,
    enable_subscription,
    publish,
    read_replication,
    subscriber_dsn,
    subscription_of,
    unpublish,
    wait_for_subscriber,
)
from nonreg.waiting import wait_until

COPY_SECONDS = 90.0
SUBJECT = "Réinitialisation"


@dataclass(frozen=True, slots=True)
class Copy:
    """A full copy at work: the site that is filled and the active one that fills it."""

    layout: Layout
    steps: Steps
    filled: Connection
    active: Connection
    site: str
    active_site: str


def reinitialise(layout: Layout, mandates: Mandates, site: str, steps: Steps, copy_seconds: float) -> None:
    """Fill a site from the active one; SwitchoverRefused when there is none, or no link to it."""
    active_site = other_site(site)
    with ExitStack() as stack:
        active, filled = (stack.enter_context(connect(layout, one, SUBJECT)) for one in (active_site, site))
        for connection in (active, filled):
            end_left_overs(connection)
        nodes = read_node(filled, site), read_node(active, active_site)
        check_reinitialisation(*nodes)
        check_link(layout, site)
        mandate = mandates.give(*(node.mandate for node in nodes))
        with steps.step(f"{active_site} déclaré actif"):
            # The active site first: a passive one must never know a higher mandate than it.
            declare(active, active_site, ACTIVE, mandate)
            steps.stop_point()
            declare(filled, active_site, ACTIVE, mandate)
            wait_for_writers(filled)
        copy_again(Copy(layout, steps, filled, active, site, active_site), copy_seconds)


def check_link(layout: Layout, site: str) -> None:
    """SwitchoverRefused, before anything is thrown away, when the copy could not pass."""
    try:
        psycopg.connect(subscriber_dsn(layout, site)).close()
    except psycopg.OperationalError:
        refuse(f"{site} n'atteint pas {other_site(site)} par la liaison entre les sites", SUBJECT)


def copy_again(copy: Copy, within_seconds: float) -> None:
    """Throw away what the site holds and copy everything; DeadlinePassed when the copy does not end in time."""
    steps, filled, active = copy.steps, copy.filled, copy.active
    slot = subscription_of(copy.site)
    with steps.step("réplication antérieure retirée"):
        drop_subscriptions(filled, keep_slot=True)
        unpublish(filled)
        drop_slots(filled)
        drop_subscriptions(active, keep_slot=True)
        drop_slots(active)
        publish(active)
    with hold_columns(copy) as articles:
        with steps.step(f"articles de {copy.site} vidés"):
            empty_articles(copy, articles)
        with steps.step(f"copie de {copy.active_site} vers {copy.site}"):
            fill_articles(copy, within_seconds)
    with steps.step(f"{copy.site} à jour"):
        wait_for_subscriber(active, slot, within_seconds)


@contextmanager
def hold_columns(copy: Copy) -> Iterator[list[Article]]:
    """The articles, whose columns cannot change meanwhile: an order between two copies would reach only one of them."""
    articles = read_articles(copy.active)
    with connect(copy.layout, copy.active_site, SUBJECT) as holder, holder.transaction():
        tables = sql.SQL(", ").join(sql.Identifier(*article) for article in articles)
        holder.execute(sql.SQL("LOCK TABLE {} IN ACCESS SHARE MODE").format(tables))
        yield articles


def fill_articles(copy: Copy, within_seconds: float) -> None:
    """Copy every article through the link; returns when the subscription streams."""
    steps, filled, active, slot = copy.steps, copy.filled, copy.active, subscription_of(copy.site)
    # The slot comes last: a subscription that does not know its articles yet must not look like one that streams.
    enable_subscription(filled, copy.site)
    steps.stop_point()
    refresh = sql.SQL("ALTER SUBSCRIPTION {} REFRESH PUBLICATION WITH (copy_data = true)")
    filled.execute(refresh.format(sql.Identifier(slot)))
    steps.stop_point()
    active.execute("SELECT pg_create_logical_replication_slot(%s, 'pgoutput')", (slot,))
    steps.stop_point()
    wait_until(lambda: is_copied(filled), within_seconds, "la copie n'est pas complète")


def empty_articles(copy: Copy, articles: list[Article]) -> None:
    """Empty every article and take a subscription in one transaction.

    From then on until the copy is complete, the subscription says that the site is not: nobody may make it active.
    """
    filled = copy.filled
    with filled.transaction():
        filled.execute("SET LOCAL session_replication_role = replica")  # no trigger of the application fires
        tables = sql.SQL(", ").join(sql.Identifier(*article) for article in articles)
        filled.execute(sql.SQL("TRUNCATE {}").format(tables))
        align_columns(copy.active, filled, articles)
        statement = (
            "CREATE SUBSCRIPTION {} CONNECTION {} PUBLICATION {}"
            " WITH (connect = false, slot_name = {}, origin = none)"
        )
        name = subscription_of(copy.site)
        filled.execute(
            sql.SQL(statement).format(
                sql.Identifier(name),
                sql.Literal(subscriber_dsn(copy.layout, copy.site)),
                sql.Identifier(PUBLICATION),
                sql.Literal(name),
            )
        )


def is_copied(filled: Connection) -> bool:
    """True when every article is copied and the subscription streams."""
    subscription = read_replication(filled).subscription
    return subscription is not None and subscription.is_complete and subscription.streaming
