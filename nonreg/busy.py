"""A platform that somebody else works on: what a campaign does then, and what it says of it in its own folder."""

from __future__ import annotations

import json
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from nonreg.errors import ConfigError
from nonreg.files import read_json
from nonreg.store import write_file

WAITING = "attente.json"
WAIT_MINUTES, MAX_WAIT_MINUTES = 120, 720


class WhenBusy(StrEnum):
    """What a campaign does on a platform that somebody else works on."""

    REFUSER = "refuser"
    ATTENDRE = "attendre"

    def wait_minutes(self, minutes: int) -> int:
        """How long it waits at most, of so many minutes."""
        return minutes if self is WhenBusy.ATTENDRE else 0


def save_waiting(run_dir: Path, who: str, until: datetime) -> None:
    """Say who is waited for; nothing is written again for the same."""
    text = json.dumps({"who": who, "until": until.isoformat()}, ensure_ascii=False, indent=2) + "\n"
    path = run_dir / WAITING
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        write_file(path, text)


def clear_waiting(run_dir: Path) -> None:
    """The turn has come, or is given up."""
    (run_dir / WAITING).unlink(missing_ok=True)


def read_waiting(run_dir: Path) -> str:
    """`attend la fin de : …`, in French; empty for a run that does not wait."""
    path = run_dir / WAITING
    if not path.is_file():
        return ""
    try:
        found = read_json(path)
        until = datetime.fromisoformat(found["until"])
        return f"attend la fin de : {found['who']}, au plus tard le {until:%d/%m/%Y à %H:%M} UTC"
    except (ConfigError, KeyError, TypeError, ValueError):  # it was removed meanwhile
        return ""
