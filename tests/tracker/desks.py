"""A platform that has a tracker, a ledger to add events to, and a clock that a test turns."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from nonreg import ledger
from nonreg.config import Platform
from nonreg.tracker.outbox import TrackerOutbox
from nonreg.tracker.posting import Posted, post
from tests.gitlab_server import PROJECT, TOKEN, Gitlab
from tests.governed import Governed

START = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
KEY_ENV = "NONREG_TRACKER_KEY"


@dataclass
class Desk:
    """Events go into the ledger at the time of the clock; `post` is what the end of a flow, or the watch, does."""

    governed: Governed
    now: datetime = START
    steps: int = 0
    sent: list[str] = field(default_factory=list)

    @property
    def runs_dir(self) -> Path:
        return self.governed.runs_dir

    @property
    def platform(self) -> Platform:
        return self.governed.platform

    @property
    def box(self) -> TrackerOutbox:
        return TrackerOutbox(self.runs_dir, self.platform.name)

    def wait(self, **delta: float) -> None:
        self.now += timedelta(**delta)

    def happen(self, ticket: str = "AQ-1", kind: str = "runbook", **data: Any) -> str:
        """One event of a ticket; its mark, as notes tell it."""
        self.steps += 1
        told = {"execution": "RB-1", "event": "etape", "step": f"E{self.steps}", "outcome": "faite"}
        head = ledger.append(
            self.runs_dir / ledger.FILE,
            kind=kind,
            platform=self.platform.name,
            person="titulaire-essai",
            ticket=ticket,
            data=data or told,
            at=self.now,
            people=None,
            signed=None,
        )
        self.sent.append(f"registre-{head.sha256[:40]}")
        return self.sent[-1]

    def happen_with_page(self, content: bytes) -> str:
        """An answer before an intervention, with its page."""
        self.steps += 1
        folder = self.runs_dir / "interventions" / f"I-{self.steps}"
        folder.mkdir(parents=True)
        (folder / "page.pdf").write_bytes(content)
        return self.happen(kind="intervention", decision=folder.name, answer="GO")

    def post(self, **options: Any) -> Posted:
        return post(self.platform, self.runs_dir, begun_at=START, clock=lambda: self.now, **options)


def connect_folder(governed: Governed, folder: Path) -> None:
    """Name a local tracker in the platform's file."""
    _name(governed, f'kind = "dossier"\nfolder = "{folder}"\n')


def connect_gitlab(governed: Governed, url: str) -> None:
    """Name a GitLab in the platform's file; its token is a variable of the environment."""
    _name(
        governed,
        f'kind = "gitlab"\nurl = "{url}"\nproject = "{PROJECT}"\nkey_env = "{KEY_ENV}"\ntimeout_seconds = 2.0\n',
    )


def _name(governed: Governed, table: str) -> None:
    text = governed.platform_file.read_text(encoding="utf-8")
    governed.platform_file.write_text(f"{text}\n[tracker]\n{table}", encoding="utf-8")


def list_marks(gitlab: Gitlab, iid: int = 1) -> list[str]:
    """The keys of the notes of a ticket, as they stand."""
    return [
        mark
        for note in gitlab.notes[iid]
        for mark in re.findall(r"\[aquareel-nonreg:([^]]+)\]", note["body"])
    ]


__all__ = ["KEY_ENV", "START", "TOKEN", "Desk", "connect_folder", "connect_gitlab", "list_marks"]
