"""Equality of the two nodes: digests by group computed by the servers, then the rows of groups that differ.

Pure: what is asked of the servers is in the scenarios. Lag looks like a difference, so that only what
differs in two looks, with time to catch up between them, counts.
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from nonreg.clients.sql import Rows

K = TypeVar("K", bound=Hashable)
MISSING, EXTRA, CHANGED = "absente du passif", "en trop sur le passif", "différente"
UNPAIRED = "différente ou absente"  # too many differ: the other side's row was not read


@dataclass(frozen=True, slots=True)
class Difference:
    """One row that is not the same on both nodes; the side that does not have it is None."""

    key: tuple[Any, ...]
    kind: str
    active: tuple[Any, ...] | None
    passive: tuple[Any, ...] | None


def read_groups(rows: Rows, key_columns: int) -> dict[tuple[Any, ...], tuple[int, int]]:
    """(rows, checksum) of each group; the first columns are its key."""
    groups = {}
    for row in rows.rows:
        count, checksum = row[key_columns:]
        groups[tuple(row[:key_columns])] = (int(count), int(checksum))
    return groups


def read_rows(rows: Rows, key_columns: int) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    """Values of each row by its key, which are the first columns."""
    return {tuple(row[:key_columns]): tuple(row[key_columns:]) for row in rows.rows}


def find_differing(left: Mapping[K, object], right: Mapping[K, object]) -> list[K]:
    """Keys that only one side has or whose values differ, in order."""
    keys = left.keys() | right.keys()
    return sorted((key for key in keys if left.get(key) != right.get(key)), key=repr)


def compare_rows(
    active: Mapping[tuple[Any, ...], tuple[Any, ...]], passive: Mapping[tuple[Any, ...], tuple[Any, ...]]
) -> list[Difference]:
    """Rows missing from the passive node, in excess there, or changed, in order of key."""
    differences = []
    for key in sorted(active.keys() | passive.keys(), key=repr):
        ours, theirs = active.get(key), passive.get(key)
        if theirs is None:
            differences.append(Difference(key, MISSING, ours, None))
        elif ours is None:
            differences.append(Difference(key, EXTRA, None, theirs))
        elif ours != theirs:
            differences.append(Difference(key, CHANGED, ours, theirs))
    return differences


def keep_persistent(first: list[Difference], second: list[Difference]) -> list[Difference]:
    """Differences of the second look that the first one had already, unchanged."""
    known = set(first)
    return [difference for difference in second if difference in known]


def narrow_documents(active: str | None, passive: str | None) -> tuple[str, str]:
    """Two JSON rows as text, each with only the columns that differ; a row that is absent is empty."""
    ours, theirs = (json.loads(text) if text else {} for text in (active, passive))
    if not (ours and theirs):
        return active or "", passive or ""
    columns = [name for name in sorted(ours.keys() | theirs.keys()) if ours.get(name) != theirs.get(name)]
    shown = [
        json.dumps({name: side.get(name) for name in columns}, ensure_ascii=False) for side in (ours, theirs)
    ]
    return shown[0], shown[1]


def is_between(count: int, before: int, after: int) -> bool:
    """True when a count taken between two others of a table that is being written lies between them."""
    return min(before, after) <= count <= max(before, after)
