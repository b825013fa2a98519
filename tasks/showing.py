"""What a run shows in Prefect: the one place that makes artifacts and names flow runs.

Showing never fails and never stalls what it shows. Whatever the server could not take (away, restarting, too slow)
is kept, tried again with the next thing to show and once more at the end, for a bounded time, then given up with a
line in the log. Everything goes through `redact` first: nothing secret leaves for the server.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import math
import os
import re
import socket
import threading
import time
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote, urlsplit
from uuid import UUID

import httpx
from prefect import runtime
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import ArtifactCreate, ArtifactUpdate
from prefect.exceptions import PrefectHTTPStatusError
from prefect.utilities.context import get_task_and_flow_run_ids

from nonreg.config import Platform
from nonreg.errors import NonregError
from nonreg.history import URL_VARIABLE
from nonreg.links import link_ticket, read_reports_url
from nonreg.masking import NO_SECRET_KNOWN, Mask, list_secrets
from nonreg.model import CampaignPlan, CampaignReport
from reports.artifacts import Links, say_file
from reports.text import map_texts
from tasks.asking import ask_server, hang_up, is_busy
from tasks.finisher import BY_A_WORKER

PATIENCE_VARIABLE = "NONREG_SHOWING_PATIENCE_SECONDS"
PATIENCE_SECONDS = 60.0  # at the end of a run, for a server that is being restarted
UNATTENDED_SECONDS = 1800.0  # of what a worker runs: nobody waits, the evidence is on the disk
QUIET_SECONDS = 5.0  # without a request after one that was not answered
DEEPER = ("interventions", "runbooks")  # the folders of runs that have folders of their own
SECRET_NAME = re.compile(r"(?i)passw(?:or)?d|secret|token|auth_string|api_?key")
SECRET_CHARACTERS = 6  # a shorter value would take words out of every sentence
TRY_SECONDS = 0.5  # between two tries at the end

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


@dataclass(frozen=True, slots=True)
class RunTags:
    """All the tags of a flow run, by which it is found."""

    flow_run_id: UUID
    tags: tuple[str, ...]
    label: str = "étiquettes du passage"

    def send(self, client: SyncPrefectClient) -> None:
        """Give the flow run these, and no others."""
        client.update_flow_run(self.flow_run_id, tags=self.tags)


@dataclass(slots=True)
class Screen:
    """What waits to be shown, oldest first, and until when the server is left alone."""

    waiting: list[Showing] = field(default_factory=list)
    quiet_until: float = 0.0
    secrets: set[str] = field(default_factory=set, repr=False)
    mask: Mask = NO_SECRET_KNOWN
    lock: threading.RLock = field(default_factory=threading.RLock)

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
                with ask_server() as client:
                    one.send(client)
            except Exception as error:  # whatever it is, the campaign goes on
                if is_away(error):
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
        hang_up()
        return given_up


SCREEN = Screen()


def is_away(error: Exception) -> bool:
    """True when the same request may well be answered later."""
    if isinstance(error, PrefectHTTPStatusError):
        return is_busy(error.response.status_code)
    return isinstance(error, httpx.HTTPError | OSError)


def describe(error: Exception) -> str:
    """The first line of an error, enough for a log."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def keep_secrets_of(platform: Platform) -> None:
    """From now on no text that is shown or logged holds a secret of that platform."""
    SCREEN.secrets |= {*list_secrets(platform), *list_own_secrets()}
    SCREEN.mask = Mask(tuple(SCREEN.secrets))
    for handler in list_handlers():
        if not any(isinstance(found, Redacting) for found in handler.filters):
            handler.addFilter(Redacting())


def list_own_secrets() -> set[str]:
    """What stands in our environment and would be a secret: of the history's database, of Prefect, of mail."""
    found = {value for name, value in os.environ.items() if SECRET_NAME.search(name)}
    found |= {value.partition(":")[2] for value in found}
    with suppress(ValueError):  # no address at all: there is no password in it
        found.add(urlsplit(os.environ.get(URL_VARIABLE, "")).password or "")
    return {value for value in found if len(value) >= SECRET_CHARACTERS}


def redact(text: str) -> str:
    """The text without secrets: those of the platforms of this process, and whatever looks like one."""
    return SCREEN.mask.apply(text)


def list_handlers() -> list[logging.Handler]:
    """Whatever writes the lines of Prefect's loggers, to the terminal or to the server."""
    names = ["", *(name for name in logging.root.manager.loggerDict if name.split(".")[0] == "prefect")]
    return [handler for name in names for handler in logging.getLogger(name).handlers]


class Redacting(logging.Filter):
    """Takes secrets out of a line, and out of the traceback that goes with it."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every line through, changed where it must be."""
        message = record.getMessage()
        clean = redact(message)
        if clean != message:
            record.msg, record.args = clean, ()
        if record.exc_info:
            trace = record.exc_text or logging.Formatter().formatException(record.exc_info)
            record.exc_text, record.exc_info = redact(trace), None
        return True


@contextmanager
def clean_errors() -> Iterator[None]:
    """What goes wrong ends in a state's message: without secrets."""
    try:
        yield
    except Exception as error:
        said = str(error)
        if redact(said) == said:
            raise
        raise NonregError(redact(said)) from None


@contextmanager
def never_failing() -> Iterator[None]:
    """A mistake of ours in what is shown is told in the log, and costs no campaign its verdict."""
    try:
        yield
    except Exception:
        log.exception("Tout n'a pas pu être montré dans Prefect")


def clean_report(report: CampaignReport) -> CampaignReport:
    """The report whose judgement holds no secret, before anything of it is cut or escaped and hides one."""
    return dataclasses.replace(report, assessment=map_texts(report.assessment, redact))


def redact_rows(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """The same of every cell of a table; before it becomes JSON, whose escapes would hide a secret."""
    return [{name: redact(value) for name, value in row.items()} for row in rows]


def make_artifact(key: str, kind: str, data: Any, description: str) -> Artifact:
    """An artifact of the task and flow run that we are in."""
    task_run_id, flow_run_id = get_task_and_flow_run_ids()
    return Artifact(key, kind, data, redact(description), flow_run_id, task_run_id)


def show_markdown(key: str, markdown: str, description: str) -> Artifact:
    """Show a text, which may change."""
    artifact = make_artifact(key, "markdown", redact(markdown), description)
    SCREEN.add(artifact)
    return artifact


def change_markdown(artifact: Artifact, markdown: str) -> None:
    """Show another text in its place; what it was is not sent any more."""
    artifact.data = redact(markdown)
    SCREEN.add(artifact)


def show_table(key: str, rows: list[dict[str, str]], description: str) -> None:
    """Show a table; the columns are those of the first row."""
    SCREEN.add(make_artifact(key, "table", json.dumps(redact_rows(rows), ensure_ascii=False), description))


def show_file(key: str, file: Path, words: str, platform: Platform) -> None:
    """Show where a file of the folder of a run is: a link when its address is known, otherwise what to copy."""
    links = find_links(platform, file.parent)
    show_markdown(key, "\n".join(say_file(file.name, words, links)) + "\n", words)


def find_links(platform: Platform, folder: Path) -> Links:
    """Where those who watch find a folder, below that of the runs, and the tickets."""
    base = read_reports_url(platform.reports_url)
    parts = folder.parts[-2:] if folder.parent.name in DEEPER else folder.parts[-1:]
    return Links(
        folder.resolve(),
        socket.gethostname(),
        f"{base}/{'/'.join(map(quote, parts))}" if base else "",
        partial(link_ticket, platform.ticket_url),
    )


def show_progress(key: str, description: str) -> Artifact:
    """Show a bar at 0 %, to be moved."""
    artifact = make_artifact(key, "progress", 0.0, description)
    SCREEN.add(artifact)
    return artifact


def move_progress(bar: Artifact, percent: float, description: str) -> None:
    """Move a bar, when it is not there already; where it was is not sent any more."""
    before = (bar.data, bar.description)
    bar.data, bar.description = percent, redact(description)
    if before != (bar.data, bar.description):
        SCREEN.add(bar)


def rename_run(name: str) -> None:
    """Give the flow run that we are in another name."""
    _, flow_run_id = get_task_and_flow_run_ids()
    if flow_run_id is not None:
        SCREEN.add(RunName(flow_run_id, redact(name)))


def tag_run(tags: Iterable[str]) -> None:
    """Give the flow run that we are in these tags too."""
    _, flow_run_id = get_task_and_flow_run_ids()
    if flow_run_id is not None:
        known = (*runtime.flow_run.tags, *map(redact, tags))
        SCREEN.add(RunTags(flow_run_id, tuple(dict.fromkeys(known))))


def finish_showing(patience_seconds: float | None = None) -> None:
    """Bring what is left to be shown; called at the end of a run."""
    given_up = SCREEN.finish(read_patience() if patience_seconds is None else patience_seconds)
    if given_up:
        log.warning("Prefect n'a pas répondu, n'ont pas pu être montrés : %s", ", ".join(given_up))


def read_patience() -> float:
    """How long a server that is away is waited for at the end, from the environment."""
    usual = UNATTENDED_SECONDS if BY_A_WORKER in os.environ else PATIENCE_SECONDS
    try:
        given = float(os.environ[PATIENCE_VARIABLE])
    except (KeyError, ValueError):
        return usual
    return given if 0 <= given < math.inf else usual


def artifact_key(subject: str, plan: CampaignPlan) -> str:
    """The key of what is shown of a platform: always the same, so that Prefect shows the last and keeps the others."""
    plain = unicodedata.normalize("NFKD", plan.platform.name).encode("ascii", "ignore").decode().lower()
    return f"{subject}-{re.sub('[^a-z0-9]+', '-', plain).strip('-') or 'plateforme'}"
