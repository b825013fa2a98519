"""A campaign's turn on the platform: what earlier runs left is healed, then the platform's lock is held to the end.

One that finds the platform busy is refused, or waits for so long at most. Each try is a whole one: what a campaign
before broke, and left when it died, is healed first, and the session that holds the lock is as old as its holding.
A patience that ends never means yes.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from nonreg.busy import clear_waiting, save_waiting
from nonreg.config import Platform
from nonreg.drills.aftermath import heal_earlier
from nonreg.drills.register import hold_drills, open_register
from nonreg.errors import NonregError, PlatformBusy
from nonreg.lock import Lock, ask_holders, hold_platform_lock
from nonreg.model import CampaignPlan
from nonreg.wording import decimal

POLL_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Turn:
    """What is held: the platform's lock, and the descriptor of the lock of those who run drills on this machine."""

    lock: Lock
    busy: int | None


@contextmanager
def take_turn(
    platform: Platform,
    plan: CampaignPlan,
    run_dir: Path,
    platform_file: Path,
    stop: threading.Event,
    wait_seconds: float = 0.0,
) -> Iterator[Turn]:
    """The campaign's turn, waited for at most `wait_seconds`; a NonregError says why it does not come.

    A lock of the database that could not be had is yielded all the same: the guards say why, with the others.
    """
    deadline = time.monotonic() + wait_seconds
    until = datetime.now(UTC) + timedelta(seconds=wait_seconds)
    try:
        while True:
            with ExitStack() as held:
                turn, who = try_turn(platform, plan, run_dir, platform_file, stop, held)
                if not who or time.monotonic() >= deadline:
                    clear_waiting(run_dir)
                    yield conclude(turn, who, wait_seconds)
                    return
            save_waiting(run_dir, who, until)
            if stop.wait(POLL_SECONDS):
                raise NonregError(
                    f"campagne arrêtée à la demande, pendant qu'elle attendait la fin de : {who}."
                )
    finally:
        clear_waiting(run_dir)


def try_turn(
    platform: Platform,
    plan: CampaignPlan,
    run_dir: Path,
    platform_file: Path,
    stop: threading.Event,
    held: ExitStack,
) -> tuple[Turn | None, str]:
    """One try, with who is in the way if somebody is; on this machine that is known before the database is asked."""
    try:
        busy = held.enter_context(hold_drills(open_register(platform), plan.run_id, drills=bool(plan.drills)))
        heal_earlier(platform, run_dir, plan.run_id, platform_file)
    except PlatformBusy as error:
        return None, ask_holders(platform) or str(error).rstrip(".")
    # The active site's database holds the lock: it may have been one of the things to heal.
    # Lost to another campaign, it ends this one: what one breaks, writes or removes is under the other's eyes.
    lock = held.enter_context(hold_platform_lock(platform, stop.set, plan.run_id))
    return Turn(lock, busy), lock.holder


def conclude(turn: Turn | None, who: str, wait_seconds: float) -> Turn:
    """What is held in the end; PlatformBusy when not even the lock could be asked for."""
    if not who:
        assert turn is not None
        return turn
    waited = f", après {decimal(wait_seconds / 60, 0)} min d'attente" if wait_seconds else ""
    message = f"une autre campagne est en cours sur cette plateforme : {who}{waited}."
    if turn is None:
        raise PlatformBusy(message)
    return replace(turn, lock=replace(turn.lock, message=message))
