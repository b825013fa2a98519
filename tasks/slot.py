"""One slot a platform on the Prefect server, for campaigns of every deployment: its UI shows who is in, and they queue.

The lock of the platform's database decides (`nonreg.lock`): whoever cannot have the slot goes on to it all the same,
and is refused there by the name of who is in the way. A killed holder gives its slot back when its lease ends. Without
a server, with the throw-away API of a run, or with one that does not answer, there is no slot and nothing waits for it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import httpx
from prefect import get_run_logger, runtime
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate
from prefect.client.schemas.objects import ConcurrencyLeaseHolder
from prefect.concurrency._leases import maintain_concurrency_lease
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound
from prefect.settings import PREFECT_API_URL

from nonreg.busy import clear_waiting, read_waiting, save_waiting
from nonreg.config import Platform
from nonreg.lock import ask_holders
from tasks.asking import ask_server

LEASE_SECONDS = 60.0  # the least that the server takes
POLL_SECONDS = 2.0
LEFT = "une campagne dont Prefect attend encore la fin"


def name_slot(platform_name: str) -> str:
    """Name of the platform's limit, in the server's list of concurrency limits."""
    return f"plateforme-{platform_name}"


@contextmanager
def hold_slot(
    platform: Platform, run_dir: Path, wait_seconds: float, tell: Callable[[str], None]
) -> Iterator[float]:
    """Hold the platform's slot, waited for at most so long; yields what is left of the patience, in seconds."""
    deadline = time.monotonic() + wait_seconds
    held = ExitStack()
    try:
        if PREFECT_API_URL.value():
            try:
                await_slot(platform, run_dir, deadline, held, tell)
            except Exception as error:  # whatever it is, the campaign goes on
                get_run_logger().warning("Sans place dans Prefect : %s", error)
        yield max(0.0, deadline - time.monotonic())
    finally:
        try:
            held.close()
        except Exception as error:  # the lease ends by itself
            get_run_logger().warning("Place non rendue à Prefect : %s", error)


def create_limit(client: SyncPrefectClient, name: str) -> None:
    """Create the limit of one, unless there is one by that name already."""
    try:
        client.read_global_concurrency_limit_by_name(name)
    except ObjectNotFound:
        with suppress(ObjectAlreadyExists):  # by another campaign, meanwhile
            client.create_global_concurrency_limit(GlobalConcurrencyLimitCreate(name=name, limit=1))


def await_slot(
    platform: Platform, run_dir: Path, deadline: float, held: ExitStack, tell: Callable[[str], None]
) -> None:
    """Take the slot, or say for whom we wait until there is no more time."""
    until = datetime.now(UTC) + timedelta(seconds=deadline - time.monotonic())
    try:
        while not take_slot(name_slot(platform.name), held):
            if time.monotonic() >= deadline:
                return
            save_waiting(run_dir, ask_holders(platform) or LEFT, until)
            tell(read_waiting(run_dir))
            time.sleep(POLL_SECONDS)
    finally:
        clear_waiting(run_dir)


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
    held.enter_context(maintain_concurrency_lease(lease_id, LEASE_SECONDS, suppress_warnings=True))
    return True


def give_back(lease_id: UUID) -> None:
    """End the lease now."""
    with ask_server() as client:
        client.release_concurrency_slots_with_lease(lease_id)
