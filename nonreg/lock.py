"""One campaign at a time per platform: a lock held by a database session, which dies with its holder.

The writer's session holds it; who has it is asked by the reader, who alone may see the sessions of others.

That database may stop, or be broken by a drill: with `on_lost`, a lock that was lost with its session is taken again as
soon as the database answers, and whoever finds it taken by somebody else is told.
"""

from __future__ import annotations

import getpass
import re
import socket
import threading
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from nonreg.clients.line import Line
from nonreg.clients.mssql import APPLICATION
from nonreg.clients.sql import Session
from nonreg.config import Platform
from nonreg.errors import NonregError
from nonreg.model import SiteRole

RENEW_SECONDS = 0.5
AGAIN_SECONDS = 0.05  # while it is lost: whoever comes first after the database's return has the platform
REQUEST_SECONDS = 10.0
PROGRAM, NO_RUN = "nonreg", "-"
NAME_BYTES = 63  # of PostgreSQL; SQL Server keeps 128
START, END = r"\d{8}T\d{6}Z", "[0-9a-f]{6}"  # of a run's id (nonreg.plan.new_run_id)


@dataclass(frozen=True, slots=True)
class Lock:
    """Whether we hold the platform's lock; `message` says who does, or why it could not be asked.

    `holder` is who has it instead; `losses` says, later, who took it when it was lost.
    """

    held: bool
    message: str = ""
    unreachable: bool = False
    holder: str = ""
    losses: list[str] = field(default_factory=list)


@contextmanager
def hold_platform_lock(
    platform: Platform, on_lost: Callable[[], None] | None = None, run_id: str = ""
) -> Iterator[Lock]:
    """Try to take the lock on the active site's database and hold it to the end; never raises for the platform.

    Its session bears the run and who started it, for whoever finds the platform taken.
    """
    with ExitStack() as stack:
        try:
            line = open_line(platform, "writer", name_session(run_id, platform.name))
            stack.callback(line.close)
            seeing = open_line(platform, "reader")
            stack.callback(seeing.close)
            taken = take(line.session())
            holders = find_holders(seeing.session())
            lock = Lock(True) if taken else refuse_lock(holders, platform.name)
        except NonregError as error:
            lock = Lock(False, str(error), unreachable=True)
        if lock.held and on_lost is not None:
            stack.enter_context(renewing(line, seeing, lock, holders, on_lost, platform.name))
        yield lock


def refuse_lock(holders: frozenset[Holder], platform_name: str) -> Lock:
    """The lock that somebody else has."""
    message = f"{describe_holders(holders, platform_name)}."
    return Lock(False, message, holder=name_holders(holders, platform_name))


def ask_holders(platform: Platform) -> str:
    """Who has the platform's lock, in French; empty when nobody has it or it cannot be asked."""
    seeing = open_line(platform, "reader")
    try:
        holders = find_holders(seeing.session())
    except NonregError:
        return ""
    finally:
        seeing.close()
    return name_holders(holders, platform.name) if holders else ""


def open_line(platform: Platform, account: str, application: str = APPLICATION) -> Line:
    """A connection of its own to the active site, in which no transaction stays open."""
    site = platform.site(SiteRole.ACTIF)
    seconds = site.database.login_timeout_seconds if site.database else 0.0
    return Line(platform, site, account, seconds, REQUEST_SECONDS, autocommit=True, application=application)


Holder = tuple[object, ...]


def take(session: Session) -> bool:
    """Take the lock, which belongs to the session; False when another one has it."""
    return bool(session.query("lock_take").scalar())


def find_holders(reader: Session) -> frozenset[Holder]:
    """Name, number and start of the session of whoever has the lock."""
    return frozenset(reader.query("lock_holder").rows)


def name_session(run_id: str, platform_name: str) -> str:
    """What the session that holds the lock is called: `nonreg RUN ACCOUNT@MACHINE`, in the room that servers give.

    The platform's name is left out of the run's: whoever reads it knows the platform.
    """
    short = re.sub(rf"^({START})-{re.escape(platform_name)}-({END})$", r"\1-\2", run_id)
    machine = socket.gethostname().split(".")[0]
    words = (short or NO_RUN, f"{getpass.getuser()}@{machine}")
    return " ".join((PROGRAM, *(re.sub(r"[^!-~]+", "_", to_ascii(word)) for word in words)))[:NAME_BYTES]


def to_ascii(text: str) -> str:
    """Letters without their accents: PostgreSQL replaces what is not ASCII."""
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii")


def name_holder(holder: Holder, platform_name: str) -> str:
    """One holder as people know it: run, account, machine, since when; its bare session when its name says nothing."""
    application, pid, since = holder
    session = f"session {pid}" + (
        f", ouverte le {since:%d/%m/%Y à %H:%M} UTC" if isinstance(since, datetime) else ""
    )
    program, *words = str(application).split(" ")
    if program != PROGRAM or len(words) != 2:
        return f"{application} ({session})"
    run_id = re.sub(rf"^({START})-({END})$", lambda found: f"{found[1]}-{platform_name}-{found[2]}", words[0])
    account, _, machine = words[1].partition("@")
    what = "guérison lancée" if run_id == NO_RUN else f"passage {run_id}, lancé"
    return f"{what} par {account} sur {machine or 'une machine inconnue'} ({session})"


def name_holders(holders: frozenset[Holder], platform_name: str) -> str:
    """All of them; `inconnu` when none was seen."""
    return ", ".join(sorted(name_holder(one, platform_name) for one in holders)) or "inconnu"


def describe_holders(holders: frozenset[Holder], platform_name: str) -> str:
    """Who is in the way."""
    return f"une autre campagne est en cours sur cette plateforme : {name_holders(holders, platform_name)}"


@contextmanager
def renewing(
    line: Line,
    seeing: Line,
    lock: Lock,
    ours: frozenset[Holder],
    on_lost: Callable[[], None],
    platform_name: str,
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
                told = describe_holders(holders - known, platform_name)
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
