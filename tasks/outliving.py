"""What a flow's process would die of although nothing is wrong with the campaign, in Prefect 3.8.

A lost lease: the slot of a deployment's concurrency limit is renewed every few minutes, and a server that was away for
longer than it lasts no longer knows it. Prefect then ends the flow run, so that no other one runs beside it; here the
platform's own lock sees to that (nonreg.lock).

A broken pipe: what the process prints goes to its worker. When that dies, the first line of a log ends the process.
"""

from __future__ import annotations

import os
import sys
from contextlib import AbstractContextManager
from typing import Any
from uuid import UUID

from prefect import flow_engine
from prefect.concurrency._leases import maintain_concurrency_lease
from rich.console import Console


def outlive() -> None:
    """From now on a flow of this process dies of neither; called where flows are declared, before any begins."""
    flow_engine.maintain_concurrency_lease = keep_lease  # type: ignore[attr-defined, assignment]
    Console.on_broken_pipe = silence  # type: ignore[method-assign, assignment]


def keep_lease(lease_id: UUID, lease_duration: float, **_: Any) -> AbstractContextManager[None]:
    """Renew the lease; a warning in the log when it is lost."""
    return maintain_concurrency_lease(lease_id, lease_duration, raise_on_lease_renewal_failure=False)


def silence(_console: Console) -> None:
    """Nobody reads us any more: both outputs go nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.__stdout__, sys.__stderr__):
        if stream is not None:
            os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
