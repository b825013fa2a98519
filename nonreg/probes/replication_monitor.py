"""What SQL Server's Replication Monitor and tracer tokens say of transactional replication (DOMAIN §3.4).

Asked at the Distributor or the publisher, in sessions that commit by themselves: the server's procedures want no
transaction around them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from nonreg.clients.sql import Rows, Session
from nonreg.waiting import observe_until

POLL_SECONDS = 0.5
EXPIRES, LATE = 1, 2  # bits of `warning`


class AgentStatus(IntEnum):
    """`status` of sp_replmonitorhelpsubscription."""

    STARTED = 1
    STOPPED = 2
    IN_PROGRESS = 3
    IDLE = 4
    RETRYING = 5
    FAILED = 6


GOOD_STATUS = frozenset({AgentStatus.STARTED, AgentStatus.IN_PROGRESS, AgentStatus.IDLE})
BAD_STATUS: dict[int, str] = {
    AgentStatus.STOPPED: "agent arrêté",
    AgentStatus.RETRYING: "agent en nouvelle tentative",
    AgentStatus.FAILED: "agent en échec",
}


@dataclass(frozen=True, slots=True)
class Subscription:
    """One subscription as the monitor sees it; latencies in seconds, None before the first measure.

    `status` may be none of those that are documented: of an agent that never ran, for one.
    """

    subscriber: str
    database: str
    status: int | None
    warning: int
    latency_seconds: int | None
    expires_in_hours: int | None


@dataclass(frozen=True, slots=True)
class TracerWay:
    """The way of a tracer token to one subscriber, in seconds; None: it has not arrived."""

    subscriber: str
    distributor_seconds: int | None
    subscriber_seconds: int | None
    overall_seconds: int | None


def parse_subscriptions(rows: Rows) -> tuple[Subscription, ...]:
    """The rows of the query `replication_monitor`."""
    return tuple(
        Subscription(
            str(row["subscriber"]),
            str(row["subscriber_db"]),
            read_count(row["status"]),
            int(row["warning"] or 0),
            read_count(row["latency"]),
            read_count(row["timetoexpiration"]),
        )
        for row in rows.dicts()
    )


def judge_subscription(found: Subscription) -> str:
    """What is wrong with one subscription, in French; empty when nothing is."""
    name = f"abonnement de {found.subscriber}.{found.database}"
    problems = [] if found.status in GOOD_STATUS else [name_status(found.status)]
    if found.warning & EXPIRES:
        problems.append(name_expiry(found.expires_in_hours))
    if found.warning & LATE:
        problems.append(f"latence de {found.latency_seconds} s, au-delà du seuil")
    return f"{name} : {', '.join(problems)}" if problems else ""


def name_status(status: int | None) -> str:
    """What is wrong with an agent that does not run, in French."""
    if status is None:
        return "agent sans état connu"
    return BAD_STATUS.get(status, f"agent en état inconnu ({status})")


def name_expiry(hours: int | None) -> str:
    """When a subscription expires, in French."""
    if hours is None:
        return "près d'expirer"
    return f"expire dans {hours} h" if hours > 0 else "expiré"


def parse_tracer(rows: Rows) -> tuple[TracerWay, ...]:
    """The rows of the query `tracer_history`."""
    return tuple(
        TracerWay(
            str(row["subscriber"]),
            read_count(row["distributor_latency"]),
            read_count(row["subscriber_latency"]),
            read_count(row["overall_latency"]),
        )
        for row in rows.dicts()
    )


def send_tracer(session: Session, publication: str, within_seconds: float) -> tuple[TracerWay, ...]:
    """Post a tracer token and follow it; at the deadline what has not arrived has no overall time.

    It needs db_owner: heartbeats (`nr.usp_battre`) measure the latency without it.
    """
    tracer_id = session.query("tracer_post", publication=publication).scalar()
    return observe_until(
        lambda: parse_tracer(session.query("tracer_history", publication=publication, tracer_id=tracer_id)),
        lambda ways: bool(ways) and all(way.overall_seconds is not None for way in ways),
        within_seconds,
        POLL_SECONDS,
    )


def read_count(value: Any) -> int | None:
    """A whole number, or None."""
    return None if value is None else int(value)
