"""Publication, subscription and slots of the tool's own names, on one site at a time."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from nonreg.sandbox.dataset import PUBLICATION, replication_dsn
from nonreg.sandbox.layout import PORTS, Layout
from nonreg.waiting import wait_until

SLOT_SECONDS = 5.0
COPIED = ("r", "s")  # states of an article whose copy is complete
# Of a subscription, and those of the copies of single articles that go with it.
OWN_SLOTS = (
    "slot_type = 'logical' AND database = current_database() AND slot_name ~ '^(sub_site_|pg_[0-9]+_sync_)'"
)
Connection = psycopg.Connection[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Subscription:
    """A site's subscription: how many articles it takes, and how many of them are copied."""

    name: str
    slot: str | None
    enabled: bool
    articles: int
    copied: int
    streaming: bool

    @property
    def is_complete(self) -> bool:
        """True when every article was copied once; only what is written since may still be missing."""
        return 0 < self.articles == self.copied


@dataclass(frozen=True, slots=True)
class Replication:
    """What a site has of replication: slots by name, true for one that is in use."""

    publishes: bool
    slots: dict[str, bool]
    subscription: Subscription | None


def read_replication(connection: Connection) -> Replication:
    """What there is on one site."""
    published = connection.execute(
        "SELECT 1 FROM pg_publication WHERE pubname = %s", (PUBLICATION,)
    ).fetchone()
    statement = "SELECT slot_name, active FROM pg_replication_slots WHERE "
    slots = connection.execute(statement + OWN_SLOTS).fetchall()
    row = connection.execute(
        "SELECT s.subname, s.subslotname, s.subenabled, count(r.srrelid),"
        " count(r.srrelid) FILTER (WHERE r.srsubstate = ANY(%s)),"
        " EXISTS (SELECT 1 FROM pg_stat_subscription w WHERE w.subid = s.oid AND w.relid IS NULL AND w.pid IS NOT NULL)"
        " FROM pg_subscription s LEFT JOIN pg_subscription_rel r ON r.srsubid = s.oid"
        " WHERE s.subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())"
        " GROUP BY s.oid, s.subname, s.subslotname, s.subenabled ORDER BY s.subname LIMIT 1",
        (list(COPIED),),
    ).fetchone()
    subscription = Subscription(*row) if row else None
    return Replication(
        published is not None, {str(name): bool(active) for name, active in slots}, subscription
    )


def subscription_of(site: str) -> str:
    """Name of the subscription that a passive site holds, and of its slot on the active one."""
    return f"sub_{site.lower().replace('-', '_')}"


def publish(connection: Connection) -> None:
    """Publish every article, whatever was published before."""
    articles = connection.execute("SELECT art_schema, art_table FROM ha.tvf_articles()").fetchall()
    tables = sql.SQL(", ").join(sql.Identifier(schema, table) for schema, table in articles)
    exists = connection.execute("SELECT 1 FROM pg_publication WHERE pubname = %s", (PUBLICATION,)).fetchone()
    verb = "ALTER PUBLICATION {} SET TABLE {}" if exists else "CREATE PUBLICATION {} FOR TABLE {}"
    connection.execute(sql.SQL(verb).format(sql.Identifier(PUBLICATION), tables))


def unpublish(connection: Connection) -> None:
    """Remove the publication of a site that is no longer active."""
    connection.execute(sql.SQL("DROP PUBLICATION IF EXISTS {}").format(sql.Identifier(PUBLICATION)))


def subscribe(layout: Layout, subscriber: Connection, publisher: Connection, site: str) -> None:
    """Subscribe a site that holds the publisher's rows already; it goes through the link."""
    name = subscription_of(site)
    drop_slots(publisher, name)  # of a subscription that was not finished
    statement = "CREATE SUBSCRIPTION {} CONNECTION {} PUBLICATION {} WITH (copy_data = false, origin = none)"
    subscriber.execute(
        sql.SQL(statement).format(
            sql.Identifier(name), sql.Literal(subscriber_dsn(layout, site)), sql.Identifier(PUBLICATION)
        )
    )


def subscriber_dsn(layout: Layout, site: str) -> str:
    """How a site reaches the other one's database: through the link."""
    return replication_dsn(layout, layout.address(site), PORTS["relais"])


def enable_subscription(connection: Connection, site: str) -> None:
    """Let a subscription stream that was disabled."""
    connection.execute(sql.SQL("ALTER SUBSCRIPTION {} ENABLE").format(sql.Identifier(subscription_of(site))))


def drop_subscriptions(connection: Connection, *, keep_slot: bool) -> None:
    """Remove every subscription of a site. `keep_slot`: without a word to the publisher, where its slot stays."""
    query = (
        "SELECT subname FROM pg_subscription"
        " WHERE subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    for (name,) in connection.execute(query).fetchall():
        subscription = sql.Identifier(name)
        connection.execute(sql.SQL("ALTER SUBSCRIPTION {} DISABLE").format(subscription))
        if keep_slot:
            connection.execute(sql.SQL("ALTER SUBSCRIPTION {} SET (slot_name = NONE)").format(subscription))
        connection.execute(sql.SQL("DROP SUBSCRIPTION {}").format(subscription))


def drop_slots(connection: Connection, name: str | None = None) -> None:
    """Remove the slots of a name, or all of the tool's; who still uses one is hung up on."""
    wanted = f"{OWN_SLOTS} AND slot_name = coalesce(%s, slot_name)"

    def gone() -> bool:
        end = "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE active AND "
        drop = "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE NOT active AND "
        connection.execute(end + wanted, (name,))
        with suppress(psycopg.errors.ObjectInUse, psycopg.errors.UndefinedObject):  # it came back, or went
            connection.execute(drop + wanted, (name,))
        count = "SELECT count(*) FROM pg_replication_slots WHERE "
        return connection.execute(count + wanted, (name,)).fetchone() == (0,)

    wait_until(gone, SLOT_SECONDS, "un emplacement de réplication reste utilisé")


def wait_for_subscriber(publisher: Connection, slot: str, within_seconds: float) -> None:
    """Return when the subscriber has confirmed everything written so far; DeadlinePassed when it does not."""
    # The application commits without waiting for its log to be written. This commit waits, and with it goes
    # everything before it.
    publisher.execute("SELECT pg_logical_emit_message(true, 'bascule', '')")
    position = publisher.execute("SELECT pg_current_wal_flush_lsn()").fetchone()

    def confirmed() -> bool:
        query = "SELECT confirmed_flush_lsn >= %s FROM pg_replication_slots WHERE slot_name = %s AND active"
        return publisher.execute(query, (position[0] if position else None, slot)).fetchone() == (True,)

    wait_until(confirmed, within_seconds, "le site passif n'a pas tout reçu")
