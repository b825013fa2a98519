"""At the end of whatever adds to the ledger: its events go to their tickets, for a bounded time.

Nothing here fails or holds up what has just ended: what could not be sent stays in the box, and leaves with the next
round of the watch, the next flow, or `python -m nonreg tracker deliver`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from nonreg.begun import BEGUN_AT
from nonreg.config import Platform, find_platform_file, load_platform
from nonreg.errors import NonregError
from nonreg.tracker.posting import Posted, post
from nonreg.tracker.requirement import require_open_ticket as require_open_ticket

POSTING_SECONDS = 15.0


def post_events(
    platform: Platform, runs_dir: Path, platform_name: str = "", seconds: float = POSTING_SECONDS
) -> tuple[str, ...]:
    """Collect and deliver; returns what to log, in French. At once where no tracker is named.

    In a thread that nobody waits for longer than that: a tracker may take its time with each request, and a thread
    that ends with the process leaves what a kill would, which the box is made for. The first time that a tracker is
    connected, what happened before this process began is left alone.
    """
    if platform.tracker is None:
        return ()
    done: list[Posted] = []
    file = str(find_platform_file(platform_name).resolve()) if platform_name else ""
    until = datetime.now(UTC) + timedelta(seconds=seconds)

    def work() -> None:
        done.append(post(platform, runs_dir, platform_file=file, begun_at=BEGUN_AT, until=until))

    worker = threading.Thread(target=work, name="suivi", daemon=True)
    worker.start()
    worker.join(seconds)
    if worker.is_alive() or not done:
        return (
            "Suivi : le suivi des tickets tarde à répondre ; la boîte d'envoi garde ce qui n'est pas parti.",
        )
    return done[0].sentences()


def tell_tickets(platform_name: str, runs_dir: Path) -> tuple[str, ...]:
    """As `post_events`, for a platform by name or file; one that cannot be loaded was told before."""
    try:
        return post_events(load_platform(platform_name), runs_dir, platform_name)
    except NonregError:
        return ()


@contextmanager
def telling_tickets(platform_name: str, runs_dir: Path, say: Callable[[str], None]) -> Iterator[None]:
    """However what is done inside ends, its events are told, and what is to be said of that goes to `say`."""
    try:
        yield
    finally:
        for line in tell_tickets(platform_name, runs_dir):
            say(line)
