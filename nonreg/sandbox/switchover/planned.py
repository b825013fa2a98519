"""Planned switchover: what one site holds reaches the other one, replication is turned round, then the role moves.

Killed anywhere, it leaves at most one active site, and none that misses an acknowledged write: run again, it goes on
from what it finds.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass

import psycopg

from nonreg.sandbox.layout import Layout
from nonreg.sandbox.switchover.contents import find_different_articles
from nonreg.sandbox.switchover.decision import Way, decide_switch, is_enabled, was_last_active
from nonreg.sandbox.switchover.lock import Mandates
from nonreg.sandbox.switchover.nodes import (
    ACTIVE,
    PASSIVE,
    Connection,
    Node,
    SwitchoverRefused,
    connect,
    declare,
    end_left_overs,
    other_site,
    read_node,
    wait_for_writers,
)
from nonreg.sandbox.switchover.progress import Steps
from nonreg.sandbox.switchover.reinitialisation import COPY_SECONDS, Copy, copy_again
from nonreg.sandbox.switchover.replication import (
    drop_slots,
    drop_subscriptions,
    enable_subscription,
    publish,
    subscribe,
    subscription_of,
    unpublish,
    wait_for_subscriber,
)
from nonreg.sandbox.switchover.sequences import MARGIN, advance_sequences, read_sequences
from nonreg.waiting import DeadlinePassed

CATCH_UP_SECONDS = 20.0
FAILURES = (psycopg.Error, DeadlinePassed, KeyboardInterrupt)


@dataclass(frozen=True, slots=True)
class Switch:
    """One switchover at work: the site that gives the role (old), the one that takes it (new), under one mandate."""

    layout: Layout
    steps: Steps
    mandates: Mandates
    old: Connection
    new: Connection
    source: Node
    target: Node
    mandate: int


def switch_over(
    layout: Layout,
    mandates: Mandates,
    target_site: str,
    steps: Steps,
    catch_up_seconds: float = CATCH_UP_SECONDS,
) -> None:
    """Make `target_site` the active one, with nothing lost; SwitchoverRefused when that cannot be done."""
    source_site = other_site(target_site)
    with ExitStack() as stack:
        old, new = (stack.enter_context(connect(layout, site)) for site in (source_site, target_site))
        for connection in (old, new):
            end_left_overs(connection)
        source, target = read_node(old, source_site), read_node(new, target_site)
        way = decide_switch(source, target)
        mandate = mandates.give(source.mandate, target.mandate)
        switch = Switch(layout, steps, mandates, old, new, source, target, mandate)
        if way is Way.SWITCH:
            transfer(switch, catch_up_seconds)
        elif way is Way.REBUILD:
            rebuild(switch)
            return
        else:
            feed_again(switch)
        hand_over(switch)


def transfer(switch: Switch, catch_up_seconds: float) -> None:
    """Until the target holds everything and feeds the source; goes back when it cannot, nothing was written since."""
    steps, old, new = switch.steps, switch.old, switch.new
    source, target = switch.source.site, switch.target.site
    try:
        with steps.step(f"écritures arrêtées sur {source}"):
            declare(old, source, PASSIVE, switch.mandate)
            steps.stop_point()
            wait_for_writers(old)
        with steps.step(f"données de {source} reçues par {target}"):
            if not is_enabled(switch.target):
                enable_subscription(new, target)
            wait_for_subscriber(old, subscription_of(target), catch_up_seconds)
        with steps.step(f"réplication {source} vers {target} retirée"):
            drop_subscriptions(new, keep_slot=False)
            steps.stop_point()
            unpublish(old)
        turn_round(switch)
    except FAILURES as error:
        went_back = go_back(switch)
        state = f"{source} reste actif" if went_back else "intervention nécessaire"
        raise SwitchoverRefused(f"Bascule abandonnée, {state} : {first_line(error)}.") from error


def turn_round(switch: Switch) -> None:
    """Replication from the target to the source, which holds the same rows."""
    steps, source, target = switch.steps, switch.source.site, switch.target.site
    with steps.step(f"séquences de {target} avancées"):
        advance_sequences(switch.new, read_sequences(switch.old), MARGIN)
    with steps.step(f"réplication {target} vers {source} établie"):
        publish(switch.new)
        steps.stop_point()
        subscribe(switch.layout, switch.old, switch.new, source)


def hand_over(switch: Switch) -> None:
    """The moment when the role moves, on the new active site first."""
    target = switch.target.site
    with switch.steps.step(f"{target} déclaré actif"):
        declare(switch.new, target, ACTIVE, switch.mandate)
        switch.steps.stop_point()
        declare(switch.old, target, ACTIVE, switch.mandate)


def feed_again(switch: Switch) -> None:
    """The target feeds the source already: only let it."""
    target, source = switch.target.site, switch.source.site
    with switch.steps.step(f"réplication {target} vers {source} vérifiée"):
        advance_sequences(switch.new, read_sequences(switch.old), MARGIN)
        publish(switch.new)
        if not is_enabled(switch.source):
            enable_subscription(switch.old, source)


def rebuild(switch: Switch) -> None:
    """Nobody is active and nothing streams. Equal sites only need their replication; otherwise the last active wins."""
    source, target = switch.source.site, switch.target.site
    with switch.steps.step("contenus des deux sites comparés"):
        different = find_different_articles(switch.old, switch.new)
    if different and not was_last_active(switch.target, switch.source):
        raise SwitchoverRefused(
            f"Bascule refusée : {target} n'a pas tout reçu de {source} ({', '.join(different)}) ; "
            f"« bascule --vers {source} » reprend sans perte."
        )
    with switch.steps.step("restes de réplication retirés"):
        for connection in (switch.old, switch.new):
            drop_subscriptions(connection, keep_slot=True)
            drop_slots(connection)
        unpublish(switch.old)
    if not different:
        turn_round(switch)
        hand_over(switch)
        return
    hand_over(switch)  # the measures first: the copy takes its time
    copy_again(Copy(switch.layout, switch.steps, switch.old, switch.new, source, target), COPY_SECONDS)


def go_back(switch: Switch) -> bool:
    """Restore the state before a failed switchover; false when replication, or the role, could not be."""
    old, new, source, target = switch.old, switch.new, switch.source.site, switch.target.site
    mandate = switch.mandates.give(switch.mandate)
    try:
        drop_subscriptions(old, keep_slot=False)
        unpublish(new)
        publish(old)
        if read_node(new, target).replication.subscription is None:
            subscribe(switch.layout, new, old, target)
        else:
            enable_subscription(new, target)
        restored = True
    except psycopg.Error:
        restored = False
    # Whatever became of replication, somebody must take the measures: the old site has them all.
    for connection in (old, new):
        try:
            declare(connection, source, ACTIVE, mandate)
        except psycopg.Error:
            restored = False
    return restored


def first_line(error: BaseException) -> str:
    """An error's first line, without its final point."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
