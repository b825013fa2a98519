"""What a run shows in Prefect: the one place that makes artifacts and names flow runs.

Showing never fails and never stalls what it shows. Whatever the server could not take (away, restarting, too slow)
is kept, tried again with the next thing to show and once more at the end, for a bounded time, then given up with a
line in the log. Everything goes through `redact` first: nothing secret leaves for the server.
"""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import ArtifactCreate, ArtifactUpdate
from prefect.exceptions import PrefectHTTPStatusError
from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, temporary_settings
from prefect.utilities.context import get_task_and_flow_run_ids

from nonreg.config import Platform
from nonreg.masking import Mask, list_secrets
from nonreg.model import CampaignPlan

PATIENCE_VARIABLE = "NONREG_SHOWING_PATIENCE_SECONDS"
PATIENCE_SECONDS = 60.0  # at the end of a run, for a server that is being restarted
ANSWER_SECONDS = 5.0  # of one request; Prefect's own client would try for minutes
QUIET_SECONDS = 5.0  # without a request after one that was not answered
TRY_SECONDS = 0.5  # between two tries at the end
AWAY_STATUSES = frozenset({408, 429})  # and 500 and above: the server is there, not ready

log = logging.getLogger("prefect.showing")


class Showing(Protocol):
    """Something to bring to the server: sent once, or again after it changed."""

    @property
    def label(self) -> str:
        """How the log names it."""

    def send(self, client: SyncPrefectClient) -> None:
        """Bring it to the server; raises when it cannot be."""


@dataclass(slots=True, eq=False)
class Artifact:
    """One artifact of a run; `id` is known once the server has it."""

    key: str
    kind: str
    data: Any
    description: str
    flow_run_id: UUID | None
    task_run_id: UUID | None
    id: UUID | None = None

    @property
    def label(self) -> str:
        """Its key."""
        return self.key

    def send(self, client: SyncPrefectClient) -> None:
        """Create it, or bring the server's up to date."""
        if self.id is not None:
            client.update_artifact(self.id, ArtifactUpdate(data=self.data, description=self.description))
            return
        created = client.create_artifact(
            ArtifactCreate(
                key=self.key,
                type=self.kind,
                data=self.data,
                description=self.description,
                flow_run_id=self.flow_run_id,
                task_run_id=self.task_run_id,
            )
        )
        self.id = created.id


@dataclass(frozen=True, slots=True)
class RunName:
    """The name that a flow run takes."""

    flow_run_id: UUID
    name: str

    @property
    def label(self) -> str:
        """What the name is for."""
        return f"nom du passage « {self.name} »"

    def send(self, client: SyncPrefectClient) -> None:
        """Rename the flow run."""
        client.update_flow_run(self.flow_run_id, name=self.name)


@dataclass(slots=True)
class Screen:
    """What waits to be shown, oldest first, and until when the server is left alone."""

    waiting: list[Showing] = field(default_factory=list)
    quiet_until: float = 0.0
    masks: list[Mask] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)
    client: SyncPrefectClient | None = None
    address: str = ""

    def add(self, one: Showing) -> None:
        """Show it now if the server answers, otherwise keep it."""
        with self.lock:
            if one not in self.waiting:
                self.waiting.append(one)
            self.bring(time.monotonic())

    def bring(self, now: float) -> None:
        """Bring what waits to the server, in order, until it does not answer."""
        while self.waiting and now >= self.quiet_until:
            one = self.waiting[0]
            try:
                with temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 0}):
                    one.send(self.connect())
            except Exception as error:  # whatever it is, the campaign goes on
                if is_away(error):
                    self.disconnect()
                    self.quiet_until = time.monotonic() + QUIET_SECONDS
                    return
                log.warning("Prefect a refusé %s : %s", one.label, redact(describe(error)))
            self.waiting.pop(0)

    def finish(self, patience_seconds: float) -> tuple[str, ...]:
        """Bring what is left, for so long at most; the labels of what is given up."""
        deadline = time.monotonic() + patience_seconds
        with self.lock:
            while True:
                self.quiet_until = 0.0
                self.bring(time.monotonic())
                if not self.waiting or time.monotonic() >= deadline:
                    break
                time.sleep(TRY_SECONDS)
            given_up = tuple(one.label for one in self.waiting)
            self.waiting.clear()
            self.disconnect()
        return given_up

    def connect(self) -> SyncPrefectClient:
        """The client of the server that the run belongs to; kept, since making one takes longer than a request."""
        address = PREFECT_API_URL.value() or ""
        if self.client is None or address != self.address:
            self.disconnect()
            client = get_client(httpx_settings={"timeout": ANSWER_SECONDS}, sync_client=True)
            self.client, self.address = client.__enter__(), address
        return self.client

    def disconnect(self) -> None:
        """Close the client, if there is one."""
        if self.client is not None:
            self.client.__exit__(None, None, None)
            self.client = None


SCREEN = Screen()


def is_away(error: Exception) -> bool:
    """True when the same request may well be answered later."""
    if isinstance(error, PrefectHTTPStatusError):
        status = error.response.status_code
        return status >= httpx.codes.INTERNAL_SERVER_ERROR or status in AWAY_STATUSES
    return isinstance(error, httpx.HTTPError | OSError)


def describe(error: Exception) -> str:
    """The first line of an error, enough for a log."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def keep_secrets_of(platform: Platform) -> None:
    """From now on no text that is shown holds a secret of that platform."""
    SCREEN.masks.append(Mask(list_secrets(platform)))


def redact(text: str) -> str:
    """The text without secrets: those of the platforms of this process, and whatever looks like one."""
    for mask in SCREEN.masks or [Mask(())]:
        text = mask.apply(text)
    return text


def redact_rows(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """The same of every cell of a table; before it becomes JSON, whose escapes would hide a secret."""
    return [{name: redact(value) for name, value in row.items()} for row in rows]


def make_artifact(key: str, kind: str, data: Any, description: str) -> Artifact:
    """An artifact of the task and flow run that we are in."""
    task_run_id, flow_run_id = get_task_and_flow_run_ids()
    return Artifact(key, kind, data, redact(description), flow_run_id, task_run_id)


def show_markdown(key: str, markdown: str, description: str) -> None:
    """Show a text."""
    SCREEN.add(make_artifact(key, "markdown", redact(markdown), description))


def show_table(key: str, rows: list[dict[str, str]], description: str) -> None:
    """Show a table; the columns are those of the first row."""
    SCREEN.add(make_artifact(key, "table", json.dumps(redact_rows(rows), ensure_ascii=False), description))


def show_link(key: str, file: Path, text: str) -> None:
    """Show where a file is."""
    show_markdown(key, f"[{text}]({file.resolve().as_uri()})", text)


def show_progress(key: str, description: str) -> Artifact:
    """Show a bar at 0 %, to be moved."""
    artifact = make_artifact(key, "progress", 0.0, description)
    SCREEN.add(artifact)
    return artifact


def move_progress(bar: Artifact, percent: float, description: str) -> None:
    """Move a bar; where it was is not sent any more."""
    bar.data, bar.description = percent, redact(description)
    SCREEN.add(bar)


def rename_run(name: str) -> None:
    """Give the flow run that we are in another name."""
    _, flow_run_id = get_task_and_flow_run_ids()
    if flow_run_id is not None:
        SCREEN.add(RunName(flow_run_id, redact(name)))


def finish_showing(patience_seconds: float | None = None) -> None:
    """Bring what is left to be shown; called at the end of a run."""
    given_up = SCREEN.finish(read_patience() if patience_seconds is None else patience_seconds)
    if given_up:
        log.warning("Prefect n'a pas répondu, n'ont pas pu être montrés : %s", ", ".join(given_up))


def read_patience() -> float:
    """How long a server that is away is waited for at the end, from the environment."""
    try:
        return max(0.0, float(os.environ[PATIENCE_VARIABLE]))
    except (KeyError, ValueError):
        return PATIENCE_SECONDS


def artifact_key(subject: str, plan: CampaignPlan) -> str:
    """An artifact key of the run: lower-case letters, digits and dashes only."""
    return f"{subject}-{plan.campaign_id[:8]}"
