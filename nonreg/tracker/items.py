"""What is to be written in a tracker: one event each, its text, and the files that go with it; pure data."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class ItemKind(StrEnum):
    """How an item reaches its ticket."""

    NOTE = "note"
    SEEN = "regression"  # opens the ticket of its fingerprint, or adds to it
    FIXED = "correction"  # adds to the ticket of its fingerprint, if there is one


@dataclass(frozen=True, slots=True)
class PieceRef:
    """A file of the runs' folder to join; with `made_after`, one that is older is of another moment."""

    path: str
    name: str
    media_type: str
    made_after: datetime | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """One note to write; `key` makes it the only one, `sequence` and `index` give its place.

    `ticket` is empty where the fingerprint finds it; `title` is that of the ticket that is opened for it.
    """

    key: str
    sequence: int
    index: int
    kind: ItemKind
    at: datetime
    ticket: str
    text: str
    title: str = ""
    fingerprint: str = ""
    pieces: tuple[PieceRef, ...] = ()

    @property
    def target(self) -> str:
        """Where it goes: its ticket, or the fingerprint that finds it."""
        return self.ticket or self.fingerprint

    @property
    def name(self) -> str:
        """The name of its files: they sort as the events happened."""
        return f"{self.sequence:08d}-{self.index:03d}-{self.key}"


@dataclass(frozen=True, slots=True)
class KeptPiece:
    """A file as it was when its event was collected; `origin` is where it was, for whoever finds it too large."""

    name: str
    media_type: str
    sha256: str
    size_bytes: int
    origin: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """An item in the box since `collected_at`, its files kept beside it."""

    item: Item
    pieces: tuple[KeptPiece, ...] = ()
    absent: tuple[str, ...] = ()
    collected_at: datetime | None = None

    @property
    def since(self) -> datetime:
        """Since when it waits: a box that nobody filled for days did not keep it that long."""
        return max(self.item.at, self.collected_at or self.item.at)


@dataclass(frozen=True, slots=True)
class Regression:
    """A failure that has a ticket, or had one."""

    scenario_id: str
    title: str
    first_run: str
    last_run: str
    is_open: bool


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the ledger was collected: nothing up to `start` is ever posted, everything up to `collected` is here.

    `collected_sha256` is of that line: a ledger put back from a copy, and gone on since, is not the one that was read.
    `since` is when somebody looked and there was no ledger yet: its id is empty then.
    """

    ledger_id: str
    start: int
    collected: int
    collected_sha256: str = ""
    platform_file: str = ""
    since: datetime | None = None
    regressions: dict[str, Regression] = field(default_factory=dict)
