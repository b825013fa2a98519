"""One slot a platform on the Prefect server, for campaigns of every deployment: its UI shows who is in, and they queue.

The lock of the platform's database decides (`nonreg.lock`): whoever cannot have the slot goes on to it all the same,
and is refused there by the name of who is in the way. A killed holder gives its slot back when its lease ends. Without
a server, with the throw-away API of a run, or with one that does not answer, there is no slot and nothing waits for it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from contextvars import copy_context
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar
from uuid import UUID

import httpx
from prefect import get_run_logger, runtime
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate
from prefect.client.schemas.objects import ConcurrencyLeaseHolder
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound
from prefect.settings import PREFECT_API_URL

from nonreg.busy import clear_waiting, read_waiting, save_waiting
from nonreg.config import Platform
from nonreg.lock import ask_holders
from tasks.asking import ask_server, is_busy

LEASE_SECONDS = 60.0  # the least that the server takes
RENEW_SECONDS = 20.0
BUSY_PAUSES_SECONDS = (0.05, 0.2, 0.5)
POLL_SECONDS = 2.0
Answer = TypeVar("Answer")
LEFT = "une campagne qui commence, ou dont Prefect attend encore la fin"


def name_slot(platform_name: str) -> str:
    """Name of the platform's limit, in the server's list of concurrency limits."""
    return f"plateforme-{platform_name}"


class Slot:
    """A platform's slot: asked for at once without waiting, then waited for; given back at the end of `asking_slot`."""

    def __init__(self, platform: Platform, held: ExitStack) -> None:
        self._platform = platform
        self._held = held
        self._is_settled = not PREFECT_API_URL.value() or self._try(self._take)

    def wait(self, run_dir: Path, wait_seconds: float, tell: Callable[[str], None]) -> float:
        """Wait for it at most so long, and tell for whom; what is left of the patience, in seconds."""
        deadline = time.monotonic() + wait_seconds
        if not self._is_settled:
            self._is_settled = self._try(lambda: self._await(run_dir, deadline, tell))
        return max(0.0, deadline - time.monotonic())

    def _try(self, ask: Callable[[], bool]) -> bool:
        """What `ask` answers; True when that goes wrong: whatever it is, the campaign goes on without a slot."""
        try:
            return ask()
        except Exception as error:
            get_run_logger().warning("Sans place dans Prefect : %s", error)
            return True

    def _take(self) -> bool:
        return try_busy(lambda: take_slot(name_slot(self._platform.name), self._held))

    def _await(self, run_dir: Path, deadline: float, tell: Callable[[str], None]) -> bool:
        until = datetime.now(UTC) + timedelta(seconds=deadline - time.monotonic())
        unnamed = ""  # whoever has the slot may still be planning: its lock comes soon, and bears its name
        try:
            while time.monotonic() < deadline:
                if who := ask_holders(self._platform) or unnamed:
                    save_waiting(run_dir, who, until)
                    tell(read_waiting(run_dir))
                unnamed = LEFT
                time.sleep(POLL_SECONDS)
                if self._take():
                    break
            return True
        finally:
            clear_waiting(run_dir)


@contextmanager
def asking_slot(platform: Platform) -> Iterator[Slot]:
    """The platform's slot, held to the end of the block once it is ours."""
    held = ExitStack()
    try:
        yield Slot(platform, held)
    finally:
        try:
            held.close()
        except Exception as error:  # the lease ends by itself
            get_run_logger().warning("Place non rendue à Prefect : %s", error)


def try_busy(ask: Callable[[], Answer]) -> Answer:
    """What `ask` answers, asked again soon while the server is busy: it says so between two writings."""
    for pause_seconds in BUSY_PAUSES_SECONDS:
        try:
            return ask()
        except httpx.HTTPStatusError as error:
            if not is_busy(error.response.status_code):
                raise
        time.sleep(pause_seconds)
    return ask()


def create_limit(client: SyncPrefectClient, name: str) -> None:
    """Create the limit of one, unless there is one by that name already."""
    try:
        client.read_global_concurrency_limit_by_name(name)
    except ObjectNotFound:
        with suppress(ObjectAlreadyExists):  # by another campaign, meanwhile
            client.create_global_concurrency_limit(GlobalConcurrencyLimitCreate(name=name, limit=1))


def take_slot(name: str, held: ExitStack) -> bool:
    """True once the slot is ours, False when it is somebody else's.

    Prefect's own `concurrency` writes an error into the log for each try that is refused.
    """
    holder = ConcurrencyLeaseHolder(type="flow_run", id=UUID(str(runtime.flow_run.id)))
    try:
        with ask_server() as client:
            create_limit(client, name)
            answer = client.increment_concurrency_slots_with_lease(
                [name], 1, "concurrency", LEASE_SECONDS, holder=holder
            )
    except httpx.HTTPStatusError as error:
        if error.response.status_code == httpx.codes.LOCKED:
            return False
        raise
    lease_id = UUID(answer.json()["lease_id"])
    held.callback(give_back, lease_id)
    held.enter_context(renewing(lease_id))
    return True


@contextmanager
def renewing(lease_id: UUID) -> Iterator[None]:
    """Keep the lease alive, in a thread; a request that fails is made again with the next one, before the lease ends.

    Prefect's own makes a client and a request of its own at once, which a campaign of a few seconds does not need.
    """
    ended = threading.Event()

    def renew() -> None:
        while not ended.wait(RENEW_SECONDS):
            with suppress(Exception), ask_server() as client:
                client.renew_concurrency_lease(lease_id, LEASE_SECONDS)

    threading.Thread(target=copy_context().run, args=(renew,), name="place", daemon=True).start()
    try:
        yield
    finally:
        ended.set()


def give_back(lease_id: UUID) -> None:
    """End the lease now."""

    def release() -> None:
        with ask_server() as client:
            client.release_concurrency_slots_with_lease(lease_id)

    try_busy(release)
