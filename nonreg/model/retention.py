"""What a purge looks at, what it says of each thing, and what it did; pure data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ItemKind(StrEnum):
    """What is kept for a time."""

    RUN = "passage"
    RECORD = "relevé de runbook"
    INTERVENTION = "décision d'intervention"
    MIGRATION = "migration"
    DOCUMENT = "document"
    PACK = "revue"
    OTHER = "autre dossier scellé"
    PAGE = "page de disponibilité"
    NOTE = "note remise au suivi"
    ALERT = "alerte"


# Kept in a folder of their own; the others are files among those of others.
FOLDER_KINDS = frozenset(
    {
        ItemKind.RUN,
        ItemKind.RECORD,
        ItemKind.INTERVENTION,
        ItemKind.MIGRATION,
        ItemKind.DOCUMENT,
        ItemKind.PACK,
        ItemKind.OTHER,
    }
)


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that is kept; `place` is its path in the runs' folder, `files` those of one that has no folder.

    `sha256` is of its manifest, or of its content where it has none; `obstacle` says in French why nobody may remove it
    whatever its age; `group` is what the last of its kind is the last of.
    """

    kind: ItemKind
    id: str
    place: str
    at: datetime
    sha256: str
    ticket: str = ""
    files: tuple[str, ...] = ()
    size_bytes: int = 0
    sealed: bool = True
    group: str = ""
    obstacle: str = ""


@dataclass(frozen=True, slots=True)
class Judged:
    """One thing, until when it is kept, and in French why it is kept longer than that."""

    item: Item
    due: datetime | None
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RetentionPlan:
    """What a purge would remove at that moment, what it would keep although its time is over; `recent` are the others.

    `notes` are French sentences: what could not be looked at.
    """

    platform: str
    at: datetime
    months: tuple[tuple[ItemKind, int], ...]
    removable: tuple[Item, ...]
    kept: tuple[Judged, ...]
    recent: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Purged:
    """What a purge did: its id (empty when there was nothing to do), what it removed and what it found in the way.

    `finished` are things that an earlier purge had announced, and that this one removed.
    """

    id: str
    removed: tuple[Item, ...] = ()
    left: tuple[Judged, ...] = ()
    finished: tuple[str, ...] = ()
