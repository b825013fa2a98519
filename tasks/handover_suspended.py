"""Flow runs that are suspended before the form of a step, and what becomes of them when it is answered elsewhere.

A file in the execution's folder tells which run waits for which step. A run whose step was done meanwhile is resumed
with the answer that the ledger holds: it goes on, and the form is gone. When the execution is closed, those that still
wait are cancelled. A server that is away, or is another one, changes nothing: whoever resumes such a run sees the
ledger first.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError
from prefect.settings import PREFECT_API_URL
from prefect.states import Cancelled

from nonreg.model.handover import Execution, Outcome, StepDone
from nonreg.store import write_file
from tasks.handover_work import Work

FOLDER = "suspendus"
TROUBLES = (httpx.HTTPError, ObjectNotFound, PrefectHTTPStatusError, ValueError)


def note_suspended(folder: Path, flow_run_id: str, step_id: str) -> None:
    """A run is about to wait for a step."""
    (folder / FOLDER).mkdir(exist_ok=True)
    told = {"step": step_id, "api": PREFECT_API_URL.value() or ""}
    write_file(folder / FOLDER / f"{flow_run_id}.json", json.dumps(told))


def forget_suspended(folder: Path, flow_run_id: str) -> None:
    """A run does not wait any more."""
    (folder / FOLDER / f"{flow_run_id}.json").unlink(missing_ok=True)


def list_suspended(folder: Path) -> Iterator[tuple[str, str]]:
    """Run and step of each that waits on our server."""
    for path in sorted((folder / FOLDER).glob("*.json")):
        with suppress(OSError, ValueError, KeyError):
            told = json.loads(path.read_text(encoding="utf-8"))
            if told["api"] == PREFECT_API_URL.value():
                yield path.stem, told["step"]


def resume_answered(work: Work, execution: Execution) -> bool:
    """Let a run go on whose step was answered elsewhere; True when there was one."""
    folder = work.journal.folder(execution.id)
    for flow_run_id, step_id in list_suspended(folder):
        done = execution.find(step_id)
        if done is None:
            continue
        with suppress(*TROUBLES), get_client(sync_client=True) as client:
            if resume(client, UUID(flow_run_id), done):
                return True
    return False


def resume(client: SyncPrefectClient, flow_run_id: UUID, done: StepDone) -> bool:
    """Answer the form of a run with what the ledger holds; False when it does not wait, or takes no such answer."""
    state = client.read_flow_run(flow_run_id).state
    if state is None or not state.is_paused():
        return False
    keyset: Any = state.state_details.run_input_keyset or {}
    schema: Any = json.loads(client.read_flow_run_input(flow_run_id, keyset["schema"])) if keyset else {}
    values = write_input(done, tuple(schema.get("properties", {})))
    return client.resume_flow_run(flow_run_id, run_input=values).status.value == "ACCEPT"


def write_input(done: StepDone, names: tuple[str, ...]) -> dict[str, Any]:
    """The recorded answer as a form takes it: the fields that it has, no more."""
    reason = done.note if done.outcome is Outcome.NOT_APPLICABLE else ""
    known = {
        **{one.field: one.value for one in done.said if one.value},
        **({"personne": done.person} if done.person else {}),
        "sans_objet": reason,
        "signature": "",
        "choix": "reessayer",
    }
    return {name: known[name] for name in names if name in known}


def cancel_suspended(work: Work, execution: Execution, own_id: str) -> None:
    """The execution is closed: nobody's form waits for it any more."""
    for flow_run_id, _ in list_suspended(work.journal.folder(execution.id)):
        if flow_run_id == own_id:
            continue
        with suppress(*TROUBLES), get_client(sync_client=True) as client:
            state = client.read_flow_run(UUID(flow_run_id)).state
            if state is not None and state.is_paused():
                message = f"L'exécution {execution.id} est close."
                client.set_flow_run_state(UUID(flow_run_id), Cancelled(message=message), force=True)
        forget_suspended(work.journal.folder(execution.id), flow_run_id)
