"""What is held about a person, and what became of it; pure data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class Fate(StrEnum):
    """What an erasure does with a file."""

    REWRITTEN = "réécrit"
    REMOVED = "retiré, à rendre de nouveau"
    SEALED = "scellé, retiré à sa date"
    WAITING = "en attente ou en cours, à refaire ensuite"
    HAND = "à corriger à la main"


@dataclass(frozen=True, slots=True)
class Trace:
    """A file that names the person, or holds the id; `due` is when retention removes it, None when it does not.

    `place` is its path in the runs' folder, or where it is outside; `note` says why it stays, in French.
    """

    place: str
    fate: Fate
    named: bool
    due: datetime | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Held:
    """Everything that is held about a person; `missing` are French sentences: what could not be looked at."""

    person: str
    platform: str
    at: datetime
    entry: Mapping[str, Any]
    lines: tuple[Mapping[str, Any], ...]
    traces: tuple[Trace, ...]
    notes: tuple[Mapping[str, str], ...] = ()
    recipients: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Erased:
    """What an erasure did, or would do; `todo` are French sentences for somebody."""

    person: str
    at: datetime
    applied: bool
    traces: tuple[Trace, ...]
    todo: tuple[str, ...] = field(default=())
