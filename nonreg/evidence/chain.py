"""Manifests in the ledger: pure readings of its lines.

A line that seals something holds, among its data, `manifest`: {id, folder, sha256}. `folder` is the path in the runs'
folder, empty for what is kept elsewhere; `sha256` is of the manifest without its own `ledger` key. The order of the
lines is the order of the manifests, whatever processes sealed them, and a folder that was removed since keeps its
place: a line of kind `purge` with data {folders: […]} says which were removed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from nonreg.clients.sshsig import fingerprint, read_signature
from nonreg.errors import DecisionRefused
from nonreg.evidence.manifest import UNKNOWN, KeptSignature, Previous
from nonreg.ledger import LedgerEntry

KEY, PURGE = "manifest", "purge"
RUN, RECORD = "campagne", "constat"  # kinds of lines: a campaign's run, the record of a closed execution


@dataclass(frozen=True, slots=True)
class Seal:
    """A line of the ledger that seals something; `kind` is the line's own."""

    sequence: int
    kind: str
    id: str
    folder: str
    sha256: str


def read_seal(entry: LedgerEntry) -> Seal | None:
    """What a line seals, None for one that seals nothing."""
    data: Any = entry.data.get(KEY)
    if not isinstance(data, dict):
        return None
    return Seal(entry.sequence, entry.kind, *(str(data.get(name, "")) for name in ("id", "folder", "sha256")))


def list_seals(entries: Iterable[LedgerEntry]) -> tuple[Seal, ...]:
    """Everything that was sealed, in order."""
    return tuple(seal for entry in entries if (seal := read_seal(entry)) is not None)


def find_last(seals: Iterable[Seal], thing_id: str) -> Seal | None:
    """The last seal of one thing, whatever its kind; what came before it was replaced."""
    return next((one for one in reversed(tuple(seals)) if one.id == thing_id), None)


def find_previous(seals: Iterable[Seal], before: int | None = None) -> Previous | None:
    """The last manifest of the ledger, or the last above a line; None for the first one."""
    earlier = [one for one in seals if before is None or one.sequence < before]
    return Previous(earlier[-1].sequence, earlier[-1].sha256) if earlier else None


def list_current(seals: Iterable[Seal]) -> tuple[Seal, ...]:
    """The last seal of each thing, in the order in which things were first sealed."""
    last: dict[str, Seal] = {}
    for one in seals:
        last[one.id] = one
    return tuple(last.values())


def list_purged(entries: Iterable[LedgerEntry]) -> dict[str, int]:
    """Folders that a purge removed, and the line that says so (the last one)."""
    purged: dict[str, int] = {}
    for entry in entries:
        folders: Any = entry.data.get("folders") if entry.kind == PURGE else None
        if isinstance(folders, list):
            purged |= dict.fromkeys(map(str, folders), entry.sequence)
    return purged


def collect_signatures(entries: Iterable[LedgerEntry], ids: Iterable[str]) -> tuple[KeptSignature, ...]:
    """The signed lines that concern any of these ids: by their decision, its subject, or an id among their data."""
    wanted = {one for one in ids if one}
    return tuple(
        KeptSignature(entry.sequence, entry.decision, entry.signature, _read_key(entry.signature))
        for entry in entries
        if entry.decision is not None
        and wanted & {entry.decision.id, entry.decision.subject, *_list_ids(entry)}
    )


def _list_ids(entry: LedgerEntry) -> set[str]:
    return {value for value in entry.data.values() if isinstance(value, str)}


def _read_key(signature: str) -> str:
    try:
        return fingerprint(read_signature(signature).public_key)
    except DecisionRefused:
        return UNKNOWN
