"""Scenarios that only read, run at once in one pool of threads, so that their waits overlap.

Each has its own fixtures, connections, output and evidence. The main thread keeps their deadlines and hands pytest
their reports, in plan order; pytest's own per-test machinery (capture, logging, SIGALRM) is for one test at a time and
is not used.
"""

from __future__ import annotations

import ctypes
import dataclasses
import queue
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from typing import Any, Protocol

import pytest

from nonreg.clients.scope import Scope, adopt_scope, overlapping
from nonreg.overlappable import own_fixtures
from nonreg.scoped_output import explained, told_apart

THREADS = 32
POLL_SECONDS = 0.1  # how late a deadline may be noticed


class Overdue(BaseException):
    """Raised in the thread of a scenario whose time has passed; no scenario catches it by mistake."""


class Bookkeeper(Protocol):
    """Who records what happens to scenarios, from whatever thread."""

    def begin(self, item: pytest.Item) -> None:
        """A scenario starts."""

    def take(self, item: pytest.Item, call: pytest.CallInfo[None]) -> None:
        """One of its phases ended."""

    def finish(self, item: pytest.Item, asked: set[str], idle_seconds: float) -> None:
        """It ended: what it asked of databases, and how long it waited for its turn."""


@dataclasses.dataclass(slots=True, eq=False)
class Job:
    """One scenario among others; `calls` are its ended phases, each with what was printed and logged in it."""

    item: pytest.Item
    scope: Scope
    asked: set[str]
    timeout_seconds: float
    calls: list[tuple[pytest.CallInfo[None], tuple[tuple[str, str], ...]]] = dataclasses.field(
        default_factory=list
    )
    phase: str = "setup"
    began_seconds: float | None = None
    thread: threading.Thread | None = None
    lock: threading.Lock = dataclasses.field(default_factory=threading.Lock)
    is_claimed: bool = False  # by whoever says how it ended: its own thread, or the one that keeps deadlines
    interrupted: threading.Event = dataclasses.field(default_factory=threading.Event)
    is_ready: bool = False

    def claim(self) -> bool:
        """True for the first who asks."""
        with self.lock:
            first, self.is_claimed = not self.is_claimed, True
            return first

    def enter(self, phase: str) -> bool:
        """It goes on to another phase; False when its end was told already."""
        with self.lock:
            if not self.is_claimed:
                self.phase = phase
            return not self.is_claimed

    def is_overdue(self) -> bool:
        """True when it runs for longer than it may, waits for its turn apart."""
        if self.began_seconds is None or self.is_claimed:
            return False
        return time.monotonic() - self.began_seconds - self.scope.waited_seconds() > self.timeout_seconds


class Overlap:
    """Runs some items at once, once; what was left running is in `stuck`."""

    def __init__(
        self, session: pytest.Session, planned: Callable[[pytest.Item], tuple[str, float]], keeper: Bookkeeper
    ) -> None:
        self._session: Any = session
        self._planned = planned  # id, and seconds that it may take
        self._keeper = keeper
        self._todo: deque[Job] = deque()
        self._ended: queue.SimpleQueue[Job] = queue.SimpleQueue()
        self._running: set[Job] = set()
        self._looked_seconds = time.monotonic()
        self._failure: BaseException | None = None
        self.stuck: list[threading.Thread] = []

    def run(self, items: Sequence[pytest.Item]) -> None:
        """Run them all and give pytest their reports, in their order."""
        jobs = [self._make_job(item) for item in items]
        self._todo.extend(jobs)
        with ExitStack() as held:
            held.callback(self._leave)
            held.enter_context(told_apart(self._session.config))
            held.enter_context(explained(items[0]))
            held.enter_context(overlapping())
            self._session._setupstate = StatePerThread.wrap(self._session._setupstate)
            for _ in range(min(THREADS, len(jobs))):
                self._start_thread()
            for job in jobs:
                while not job.is_ready:
                    self._wait()
                self._hand_over(job)
                if self._session.shouldfail:
                    raise self._session.Failed(self._session.shouldfail)
                if self._session.shouldstop:
                    raise self._session.Interrupted(self._session.shouldstop)

    def _leave(self) -> None:
        """Whatever stops us, no other begins, and nobody waits for those under way."""
        self._todo.clear()
        self.stuck += [job.thread for job in tuple(self._running) if job.thread is not None]

    def _make_job(self, item: pytest.Item) -> Job:
        own_fixtures(item)
        asked: set[str] = set()
        scenario_id, seconds = self._planned(item)
        return Job(item, Scope(scenario_id, asked.add), asked, seconds)

    def _start_thread(self) -> None:
        threading.Thread(target=self._work, daemon=True).start()

    def _work(self) -> None:
        """Run what is to do, one after the other, until there is nothing left or one took too long."""
        try:
            while self._run_next():
                pass
        except Overdue:
            return
        except BaseException as error:  # nothing can be recorded: the run ends, as for one test at a time
            self._failure = error

    def _run_next(self) -> bool:
        """Run one; False when none is left, or another thread has taken this one's place."""
        try:
            job = self._todo.popleft()
        except IndexError:
            return False
        adopt_scope(job.scope)
        job.thread = threading.current_thread()
        job.thread.name = job.scope.scenario_id
        self._run(job)
        if not job.claim():
            return False
        job.scope.end()  # a session or a thread that it left behind keeps no turn, and asks nothing unseen
        self._keeper.finish(job.item, job.asked, job.scope.waited_seconds())
        self._ended.put(job)
        return True

    def _run(self, job: Job) -> None:
        state = self._session._setupstate.begin(job.item)
        job.began_seconds = time.monotonic()
        self._running.add(job)
        self._keeper.begin(job.item)
        item: Any = job.item
        with suppress(Overdue):  # raised between two phases: what was opened is closed all the same
            if self._run_phase(job, "setup", item.setup) and job.enter("call"):
                self._run_phase(job, "call", item.runtest)
            if not job.enter("teardown"):
                job.interrupted.wait()  # not to be stopped while it closes
        self._run_phase(job, "teardown", lambda: state.teardown_exact(None))

    def _run_phase(self, job: Job, phase: Any, act: Callable[[], None]) -> bool:
        call = pytest.CallInfo.from_call(act, phase)
        with job.lock:
            if job.is_claimed:
                return False
            self._keeper.take(job.item, call)
            job.calls.append((call, job.scope.take_output()))
        return call.excinfo is None

    def _wait(self) -> None:
        """Until a scenario ends, or a little while; deadlines are looked at now and then all the same."""
        with suppress(queue.Empty):
            job = self._ended.get(timeout=POLL_SECONDS)
            job.is_ready = True
            self._running.discard(job)
        if self._failure is not None:
            raise self._failure
        if time.monotonic() - self._looked_seconds >= POLL_SECONDS:
            self._looked_seconds = time.monotonic()
            for late in [one for one in tuple(self._running) if one.is_overdue()]:
                self._give_up(late)

    def _give_up(self, job: Job) -> None:
        """End a scenario whose time has passed, as pytest-timeout does: in the phase where it is."""
        if not job.claim():
            return
        assert job.thread is not None
        self._tell_stack(job)
        job.scope.end()
        call = pytest.CallInfo.from_call(lambda: fail_late(job.timeout_seconds), job.phase)  # type: ignore[arg-type]
        self._keeper.take(job.item, call)
        job.calls.append((call, job.scope.take_output()))
        if job.phase != "teardown":
            job.calls.append((pytest.CallInfo.from_call(lambda: None, "teardown"), ()))
        self._keeper.finish(job.item, job.asked, job.scope.waited_seconds())
        interrupt(job.thread)
        job.interrupted.set()
        self.stuck.append(job.thread)
        job.is_ready = True
        self._running.discard(job)
        self._start_thread()

    def _tell_stack(self, job: Job) -> None:
        """Where it was, in pytest's own output."""
        assert job.thread is not None
        frame = sys._current_frames().get(job.thread.ident or 0)
        if frame is not None:
            writer = self._session.config.get_terminal_writer()
            writer.sep("~", title=f"Timeout : {job.item.nodeid}")
            writer.write("".join(traceback.format_stack(frame)))

    def _hand_over(self, job: Job) -> None:
        item: Any = job.item
        hook = item.ihook
        hook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        for call, output in job.calls:
            if call.excinfo is not None and isinstance(
                call.excinfo.value, KeyboardInterrupt | pytest.exit.Exception
            ):
                raise call.excinfo.value
            for stream, text in output:
                item.add_report_section(call.when, stream, text)
            hook.pytest_runtest_logreport(report=hook.pytest_runtest_makereport(item=item, call=call))
        hook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        job.calls.clear()
        item._request, item.funcargs = False, None


def fail_late(seconds: float) -> None:
    """What pytest-timeout raises."""
    pytest.fail(f"Timeout (>{seconds}s)")


def interrupt(thread: threading.Thread) -> None:
    """Raise Overdue in a thread as soon as it runs Python again: it closes its connections and ends."""
    if thread.is_alive():  # the number of one that has ended may be another's
        ctypes.pythonapi.PyThreadState_SetAsyncExc(
            ctypes.c_ulong(thread.ident or 0), ctypes.py_object(Overdue)
        )


class StatePerThread:
    """pytest's record of what is set up, one for each scenario that runs in its own thread."""

    def __init__(self, main: Any) -> None:
        self._main = main
        self._own = threading.local()

    @classmethod
    def wrap(cls, state: Any) -> StatePerThread:
        """The same for a session whose state is one already."""
        return state if isinstance(state, cls) else cls(state)

    def begin(self, item: Any) -> Any:
        """A record of this thread's own, with that test in it."""
        self._own.state = state = type(self._main)()
        state.stack[item] = ([item.teardown], None)
        return state

    def __getattr__(self, name: str) -> Any:
        return getattr(getattr(self._own, "state", self._main), name)
