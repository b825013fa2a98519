"""One campaign at a time per platform: a lock held by a database session, which dies with its holder.

The writer's session holds it; who has it is asked by the reader, who alone may see the sessions of others.

Drills break that database too: with `on_lost`, a lock that was lost with its session is taken again as soon as the
database answers, and whoever finds it taken by somebody else is told.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from nonreg.clients.line import Line
from nonreg.clients.sql import Session
from nonreg.config import Platform
from nonreg.errors import NonregError
from nonreg.model import SiteRole

RENEW_SECONDS = 0.5
AGAIN_SECONDS = 0.05  # while it is lost: whoever comes first after the database's return has the platform
REQUEST_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Lock:
    """Whether we hold the platform's lock; `message` says who does, or why it could not be asked.

    `losses` says, later, who took it when it was lost.
    """

    held: bool
    message: str = ""
    unreachable: bool = False
    losses: list[str] = field(default_factory=list)


@contextmanager
def hold_platform_lock(platform: Platform, on_lost: Callable[[], None] | None = None) -> Iterator[Lock]:
    """Try to take the lock on the active site's database and hold it to the end; never raises for the platform."""
    with ExitStack() as stack:
        try:
            line, seeing = open_line(platform, "writer"), open_line(platform, "reader")
            stack.callback(line.close)
            stack.callback(seeing.close)
            taken = take(line.session())
            holders = find_holders(seeing.session())
            lock = Lock(True) if taken else Lock(False, f"{describe_holders(holders)}.")
        except NonregError as error:
            lock = Lock(False, str(error), unreachable=True)
        if lock.held and on_lost is not None:
            stack.enter_context(renewing(line, seeing, lock, holders, on_lost))
        yield lock


def open_line(platform: Platform, account: str) -> Line:
    """A connection of its own to the active site, in which no transaction stays open."""
    site = platform.site(SiteRole.ACTIF)
    seconds = site.database.login_timeout_seconds if site.database else 0.0
    return Line(platform, site, account, seconds, REQUEST_SECONDS, autocommit=True)


Holder = tuple[object, ...]


def take(session: Session) -> bool:
    """Take the lock, which belongs to the session; False when another one has it."""
    return bool(session.query("lock_take").scalar())


def find_holders(reader: Session) -> frozenset[Holder]:
    """Name and session of whoever has the lock."""
    return frozenset(reader.query("lock_holder").rows)


def describe_holders(holders: frozenset[Holder]) -> str:
    """Who is in the way."""
    who = ", ".join(f"{name} (session {pid})" for name, pid in sorted(holders, key=str)) or "inconnu"
    return f"une autre campagne est en cours sur cette plateforme : {who}"


@contextmanager
def renewing(
    line: Line, seeing: Line, lock: Lock, ours: frozenset[Holder], on_lost: Callable[[], None]
) -> Iterator[None]:
    """Look after the lock in a thread, which alone uses both lines meanwhile; `ours` is what held it so far."""
    ended = threading.Event()

    def look() -> None:
        held, known = True, ours
        while not ended.wait(RENEW_SECONDS if held else AGAIN_SECONDS):
            try:
                session = line.session()
                if held:
                    session.query("site_role")
                    continue
                held = take(session)
                holders = find_holders(seeing.session())
            except NonregError:
                held = False
                line.drop()
                seeing.drop()
                continue
            if held:
                known |= holders
            elif holders - known:  # else a session of ours that the server has not given up yet
                told = describe_holders(holders - known)
                lock.losses.append(f"Le verrou de la plateforme s'est perdu pendant le passage : {told}.")
                on_lost()
                return

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
