"""Replication between publisher and subscriber: its agents, its backlog, and when the subscriber has caught up."""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass

from nonreg.clients.sql import Rows, Session
from nonreg.errors import PlatformError
from nonreg.waiting import observe_until

AGENT_SECONDS = 3.0
RUNNING_STATES = {"streaming", "en marche"}


class NotCaughtUp(PlatformError):
    """The subscriber did not receive what the publisher had written: both sides cannot be compared."""


class DistributorElsewhere(PlatformError):
    """The publisher's agents run on another server: nothing is known of them here."""


@dataclass(frozen=True, slots=True)
class Backlog:
    """What the publisher wrote for one slot and what the subscriber confirmed, counted in `unit`.

    `confirmed` is None for what nobody confirms: its growth says nothing.
    """

    slot: str
    unit: str
    written: int
    confirmed: int | None

    @property
    def pending(self) -> int:
        """What the subscriber has still to confirm."""
        return max(0, self.written - (self.confirmed or 0))


def read_fresh(session: Session, name: str, **parameters: object) -> Rows:
    """A named query in a transaction of its own: server statistics stay the same inside one."""
    session.commit()
    return session.query(name, **parameters)


def require_distributor(publisher: Session) -> None:
    """DistributorElsewhere when what carries the publisher's changes is not to be read on its server."""
    (row,) = publisher.query("distributor").dicts()
    if row["is_elsewhere"]:
        raise DistributorElsewhere(
            f"Le Distributeur de {publisher.site_code} est sur un autre serveur (pas de base distribution ici) : ses "
            "agents et leur retard ne s'y lisent pas."
        )


def describe_agents(sample: Rows) -> tuple[tuple[str, str, str], ...]:
    """(slot or subscription, agent, state) as text; the agent is empty when there is none."""
    return tuple((str(name), str(agent or ""), str(state or "absent")) for name, agent, state in sample.rows)


def judge_agents(samples: Sequence[tuple[tuple[str, str, str], ...]]) -> str:
    """What is wrong with the agents of one side, in French; empty when all of them ran through all samples.

    The same agent must be seen each time: one that fails at once and is restarted runs most of the time.
    """
    if not samples or not samples[-1]:
        return "aucun agent"
    stopped = [f"{name} : {state}" for name, _, state in samples[-1] if state not in RUNNING_STATES]
    if stopped:
        return ", ".join(stopped)
    last = {name: agent for name, agent, _ in samples[-1]}
    restarted = [
        name
        for name, agent in last.items()
        if any((name, agent) not in {(one, number) for one, number, _ in sample} for sample in samples)
    ]
    return ", ".join(f"{name} : agent redémarré pendant l'observation" for name in restarted)


def count_errors(rows: Rows) -> int:
    """A counter of the subscriptions' errors: it never rises without a new one."""
    return sum(int(apply_errors) + int(copy_errors) for _, apply_errors, copy_errors in rows.rows)


def read_backlog(publisher: Session) -> tuple[Rows, dict[str, Backlog]]:
    """The backlog of each slot of the publisher, with the request."""
    require_distributor(publisher)
    rows = read_fresh(publisher, "replication_backlog")
    found = {
        slot: Backlog(slot, unit, int(written), None if confirmed is None else int(confirmed))
        for slot, unit, written, confirmed in rows.rows
    }
    return rows, found


def is_growing(samples: Sequence[Backlog]) -> bool:
    """True when the backlog rose from each sample to the next and nothing of the first was absorbed since."""
    rising = all(later.pending > sooner.pending for sooner, later in itertools.pairwise(samples))
    confirmed = samples[-1].confirmed if samples else None
    return len(samples) > 1 and rising and confirmed is not None and confirmed < samples[0].written


def wait_caught_up(active: Session, within_seconds: float) -> float:
    """Seconds until every subscriber has applied what is written now; NotCaughtUp when one does not in time."""
    require_distributor(active)
    started = time.monotonic()
    position = read_fresh(active, "publisher_position").scalar()
    connected = observe_until(
        lambda: read_fresh(active, "subscriber_positions", position=position),
        lambda rows: bool(rows.rows),
        min(AGENT_SECONDS, within_seconds),
    )
    if not connected.rows:
        raise NotCaughtUp("Comparaison impossible : aucun abonné n'est connecté au publieur.")
    last = observe_until(
        lambda: read_fresh(active, "subscriber_positions", position=position),
        lambda rows: bool(rows.rows) and all(row[2] for row in rows.rows),
        within_seconds,
    )
    behind = [f"{slot} en {replayed}" for slot, replayed, reached in last.rows if not reached]
    if behind or not last.rows:
        where = ", ".join(behind) or "abonné déconnecté"
        raise NotCaughtUp(
            f"Comparaison impossible : le passif n'a pas reçu la position {position} "
            f"en {within_seconds:g} s ({where})."
        )
    return time.monotonic() - started
