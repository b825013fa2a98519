"""Whose work a thread does while several scenarios run at once, and how many of them may be connected.

A scenario that runs alone has no scope: the whole process works for it. One that runs among others has one, in the
context of its thread; a thread that it starts must be given it (`adopt_scope`), and may ask nothing of a database
otherwise: nobody could tell which scenario has to declare the query.
"""

from __future__ import annotations

import io
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from nonreg.errors import NonregError

# PostgreSQL takes 100 connections unless told otherwise: five for each of these leave some to the application.
CONNECTED_SCENARIOS = 16
# OpenSSH drops some connections from the tenth on that has not authenticated yet (MaxStartups 10:30:100).
SSH_LOGINS = 4
LOOK_SECONDS = 0.1  # how late one that waits for its turn notices that its time has passed
STREAMS = ("stdout", "stderr", "log")

_current: ContextVar[Scope | None] = ContextVar("scenario", default=None)
_connected = threading.BoundedSemaphore(CONNECTED_SCENARIOS)
_logins: defaultdict[tuple[str, int], threading.BoundedSemaphore] = defaultdict(
    lambda: threading.BoundedSemaphore(SSH_LOGINS)
)
_logins_lock = threading.Lock()
_overlapping = threading.Event()
_reading = threading.Event()


class Scope:
    """One scenario among others: who is told its queries, what it says, and what it holds."""

    def __init__(self, scenario_id: str, tell: Callable[[str], None]) -> None:
        self.scenario_id = scenario_id
        self._tell = tell
        self._streams = {name: io.StringIO() for name in STREAMS}
        self._connecting = threading.Lock()
        self._connections = 0
        self._counting = threading.Lock()
        self._waiting, self._since, self._waited_seconds = 0, 0.0, 0.0
        self._ended = False

    def tell(self, name: str) -> None:
        """Tell a query that it is about to run; NonregError once its time has passed."""
        self.require_time()
        self._tell(name)

    def write(self, stream: str, text: str) -> None:
        """Keep what it printed or logged."""
        self._streams[stream].write(text)

    def take_output(self) -> tuple[tuple[str, str], ...]:
        """What it said since it was last asked, by stream; only streams that hold something."""
        taken = tuple((name, said) for name, stream in self._streams.items() if (said := stream.getvalue()))
        for name, _ in taken:
            self._streams[name] = io.StringIO()
        return taken

    def waited_seconds(self) -> float:
        """How long it waited for its turn to connect, until now: no fault of its own."""
        with self._counting:
            return self._waited_seconds + (time.monotonic() - self._since if self._waiting else 0.0)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Whatever is waited for inside the block does not count as its time."""
        with self._counting:
            self._since = self._since if self._waiting else time.monotonic()
            self._waiting += 1
        try:
            yield
        finally:
            with self._counting:
                self._waiting -= 1
                if not self._waiting:
                    self._waited_seconds += time.monotonic() - self._since

    def connect(self) -> None:
        """Count one more connection; the first waits for a turn, and holds nothing meanwhile that others wait for."""
        with self.waiting(), self._connecting:
            self.require_time()
            while not self._connections and not _connected.acquire(timeout=LOOK_SECONDS):
                self.require_time()
            self._connections += 1

    def disconnect(self) -> None:
        """Count one connection less."""
        with self._connecting:
            if self._ended:
                return  # its turn was given back already
            self._connections -= 1
            if not self._connections:
                _connected.release()

    def end(self) -> None:
        """It has ended, or its time has passed: it asks nothing more, its turn goes to others, who waits gives up."""
        self._ended = True
        with self._connecting:
            if self._connections:
                _connected.release()

    def require_time(self) -> None:
        """NonregError once its time has passed."""
        if self._ended:
            raise NonregError(
                f"Le délai de {self.scenario_id} est dépassé, ou il est terminé : plus rien n'est demandé pour lui."
            )


def current_scope() -> Scope | None:
    """The scenario among others that this thread works for."""
    return _current.get()


def adopt_scope(scope: Scope | None) -> None:
    """This thread works for that scenario from now on."""
    _current.set(scope)


@contextmanager
def overlapping() -> Iterator[None]:
    """Several scenarios run at once inside the block."""
    _overlapping.set()
    try:
        yield
    finally:
        _overlapping.clear()


def require_scope() -> None:
    """NonregError for a thread that works for nobody while several scenarios run."""
    if _overlapping.is_set() and _current.get() is None:
        raise NonregError(
            f"Erreur de programmation : le fil « {threading.current_thread().name} » interroge une base pendant que "
            "plusieurs scénarios s'exécutent, et rien ne dit pour lequel ; marquez alone=True le @scenario qui le "
            "démarre, ou faites-lui adopter son contexte (nonreg.clients.scope)."
        )


def only_read() -> None:
    """From now on nothing that this process runs may have the account that writes: its campaign only reads."""
    _reading.set()


def require_may_write() -> None:
    """NonregError in a campaign that only reads, and for a scenario among others: each says that it only reads."""
    if _reading.is_set() or _current.get() is not None:
        raise NonregError(
            "Contrôle défaillant : un scénario qui dit ne faire que lire demande le compte qui écrit ; déclarez "
            "effect=Effect.WRITES_TEST_DATA dans son @scenario."
        )


@contextmanager
def hold_connection() -> Iterator[None]:
    """A database connection lives inside the block, once it is the scenario's turn."""
    require_scope()
    scope = _current.get()
    if scope is None:
        yield
        return
    scope.connect()
    try:
        yield
    finally:
        scope.disconnect()


@contextmanager
def hold_login(address: str, port: int) -> Iterator[None]:
    """One of the few logins that a host's SSH server sees at once from scenarios that run among others."""
    scope = _current.get()
    if scope is None:
        yield
        return
    with _logins_lock:
        turn = _logins[address, port]
    with scope.waiting():
        while not turn.acquire(timeout=LOOK_SECONDS):
            scope.require_time()
    try:
        yield
    finally:
        turn.release()
