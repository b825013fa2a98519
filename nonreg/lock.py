"""One campaign at a time per platform: a lock held by a database session, which dies with its holder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from nonreg.clients.sql import open_session
from nonreg.config import Platform
from nonreg.errors import NonregError
from nonreg.model import SiteRole


@dataclass(frozen=True, slots=True)
class Lock:
    """Whether we hold the platform's lock; `message` says who does, or why it could not be asked."""

    held: bool
    message: str = ""
    unreachable: bool = False


@contextmanager
def hold_platform_lock(platform: Platform) -> Iterator[Lock]:
    """Try to take the lock on the active site's database and hold it to the end; never raises for the platform."""
    with ExitStack() as stack:
        try:
            session = stack.enter_context(open_session(platform, platform.site(SiteRole.ACTIF), "writer"))
            if session.query("lock_take").scalar():
                session.commit()  # the lock belongs to the session: no transaction needs to stay open
                lock = Lock(True)
            else:
                holders = session.query("lock_holder").rows
                who = ", ".join(f"{name} (session {pid})" for name, pid in holders) or "inconnu"
                lock = Lock(False, f"une autre campagne est en cours sur cette plateforme : {who}.")
        except NonregError as error:
            lock = Lock(False, str(error), unreachable=True)
        yield lock
