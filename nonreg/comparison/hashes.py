"""Hashes of rows from both sides: equal ones cancel each other out, what is left over differs.

Both sides may hold their rows in another order, so that what is left over may first grow: beyond a limit it goes to
files, a part of the hashes each, and is cancelled part by part. Memory stays bounded whatever differs.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from nonreg.errors import RequestFailed
from nonreg.french import explain_os_error

ENTRY = np.dtype([("hash", "<i8"), ("place", "<i8")])
Entries: TypeAlias = NDArray[np.void]  # of ENTRY: the hash of one row, and where its server finds it again
Hashes: TypeAlias = NDArray[np.int64]
Places: TypeAlias = NDArray[np.int64]  # what a place is, the engine's dialect knows
PARTS = 64
MOST_IN_MEMORY = 1_500_000  # entries of both sides, 16 bytes each


def make_entries(places: Places | int, hashes: Hashes) -> Entries:
    """Entries of some rows."""
    entries = np.empty(len(hashes), ENTRY)
    entries["hash"] = hashes
    entries["place"] = places
    return entries


def find_alone(ours: Hashes, theirs: Hashes) -> Hashes:
    """Hashes of `ours` as many times as `theirs` lacks them; both are sorted."""
    if not len(theirs):
        return ours
    first = np.searchsorted(theirs, ours, "left")
    alone = theirs[np.minimum(first, len(theirs) - 1)] != ours
    if np.any(ours[1:] == ours[:-1]):  # several rows of one hash: as many must be there
        alone = rank(ours) >= np.searchsorted(theirs, ours, "right") - first
    found: Hashes = ours[alone]
    return found


def rank(ordered: Hashes) -> NDArray[np.intp]:
    """How many of the same stand before each of some sorted hashes."""
    ranks: NDArray[np.intp] = np.arange(len(ordered)) - np.searchsorted(ordered, ordered, "left")
    return ranks


def is_rising(places: Places) -> bool:
    """Whether no place comes twice nor before a smaller one."""
    return bool(np.all(places[1:] > places[:-1]))


def cancel_in_place(left: Entries, right: Entries) -> tuple[Entries, Entries]:
    """Without what both sides have at one place: most of two copies, at a tenth of the price of `cancel`."""
    ours, theirs = left["place"], right["place"]
    if not (len(ours) and len(theirs) and is_rising(ours) and is_rising(theirs)):
        return left, right
    met = np.minimum(np.searchsorted(theirs, ours), len(theirs) - 1)
    is_same = (theirs[met] == ours) & (right["hash"][met] == left["hash"])
    is_left_over = np.ones(len(right), np.bool_)
    is_left_over[met[is_same]] = False
    return left[~is_same], right[is_left_over]


def cancel(left: Entries, right: Entries) -> tuple[Entries, Entries]:
    """What each side has that the other one has not, wherever it is."""
    ours, theirs = np.sort(left["hash"]), np.sort(right["hash"])
    only_ours, only_theirs = find_alone(ours, theirs), find_alone(theirs, ours)
    return keep(left, only_ours), keep(right, only_theirs)


def keep(entries: Entries, wanted: Hashes) -> Entries:
    """As many entries of each hash as it stands in `wanted`, which is sorted."""
    if not len(wanted):
        return entries[:0]
    place = np.minimum(np.searchsorted(wanted, entries["hash"]), len(wanted) - 1)
    kept: Entries = entries[wanted[place] == entries["hash"]]
    if len(kept) == len(wanted):
        return kept
    ordered: Entries = kept[np.argsort(kept["hash"], kind="stable")]
    hashes = ordered["hash"]
    asked = np.searchsorted(wanted, hashes, "right") - np.searchsorted(wanted, hashes, "left")
    chosen: Entries = ordered[rank(hashes) < asked]
    return chosen


class Residue:
    """What is left over of both sides; `folder` is used when there is too much of it."""

    def __init__(self, folder: Path, most_in_memory: int = MOST_IN_MEMORY) -> None:
        self._folder = folder
        self._most = most_in_memory
        self._kept: tuple[Entries, Entries] = (np.empty(0, ENTRY), np.empty(0, ENTRY))
        self._is_spilled = False

    def add(self, left: Entries, right: Entries) -> None:
        """Add what both sides gave, and cancel what they share."""
        left, right = cancel(*cancel_in_place(left, right))
        joined = tuple(np.concatenate(pair) for pair in zip(self._kept, (left, right), strict=True))
        if len(joined[0]) + len(joined[1]) > self._most:
            joined = cancel(*joined)
            if len(joined[0]) + len(joined[1]) > self._most // 2:
                self._spill(*joined)
                joined = (np.empty(0, ENTRY), np.empty(0, ENTRY))
        self._kept = (joined[0], joined[1])

    def parts(self) -> Iterator[tuple[Entries, Entries]]:
        """What only the left and only the right have; all of it in one part unless files were needed."""
        if not self._is_spilled:
            yield cancel(*self._kept)
            return
        self._spill(*self._kept)
        for part in range(PARTS):
            left, right = (self._load(side, part) for side in range(2))
            yield cancel(left, right)

    def _spill(self, *sides: Entries) -> None:
        self._is_spilled = True
        try:
            for side, entries in enumerate(sides):
                part_of = entries["hash"] & (PARTS - 1)
                for part in range(PARTS):
                    with self._path(side, part).open("ab") as file:
                        file.write(entries[part_of == part].tobytes())
        except OSError as error:
            raise RequestFailed(
                f"{self._folder} : écriture impossible ({explain_os_error(error)}) ; trop de lignes diffèrent pour que "
                "leurs empreintes tiennent en mémoire."
            ) from error

    def _load(self, side: int, part: int) -> Entries:
        return np.fromfile(self._path(side, part), ENTRY)

    def _path(self, side: int, part: int) -> Path:
        return self._folder / f"{side}-{part}"


def add_hashes(entries: Entries) -> int:
    """The exact sum of the signed 64-bit hashes, as the servers compute it."""
    hashes = entries["hash"]
    return (int((hashes >> 32).sum()) << 32) + int((hashes & 0xFFFFFFFF).sum())
