"""Forced takeover: a site becomes active without the other one, which is lost or cut off, and is not waited for.

What had not arrived is lost, and replication is not rebuilt: `--reinitialiser` does that when the other site is back.
"""

from __future__ import annotations

from nonreg.sandbox.layout import Layout
from nonreg.sandbox.switchover.decision import check_takeover
from nonreg.sandbox.switchover.lock import Mandates
from nonreg.sandbox.switchover.nodes import ACTIVE, connect, declare, end_left_overs, read_node
from nonreg.sandbox.switchover.progress import Steps
from nonreg.sandbox.switchover.replication import drop_subscriptions, publish
from nonreg.sandbox.switchover.sequences import FORCED_MARGIN, advance_sequences


def force_over(layout: Layout, mandates: Mandates, target_site: str, steps: Steps) -> None:
    """Make a site active with what it holds; SwitchoverRefused when it is, or holds half a copy."""
    with connect(layout, target_site) as new:
        end_left_overs(new)
        target = read_node(new, target_site)
        check_takeover(target)
        mandate = mandates.give(target.mandate)
        if target.role != ACTIVE:
            with steps.step(f"réplication vers {target_site} retirée"):
                drop_subscriptions(new, keep_slot=True)
            with steps.step(f"séquences de {target_site} avancées"):
                advance_sequences(new, [], FORCED_MARGIN)
        with steps.step(f"{target_site} déclaré actif"):
            publish(new)
            steps.stop_point()
            declare(new, target_site, ACTIVE, mandate)
