"""Which id a proposal gets: the one it had, or the first free one of the range that is kept for discovery. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

FAMILY = "BASE"
FIRST, LAST = 300, 999


@dataclass(frozen=True, slots=True)
class Allotment:
    """Ids by key, and the keys for which the range had none left."""

    ids: Mapping[str, str]
    without: tuple[str, ...] = ()


def allot(keys: Iterable[str], known: Mapping[str, str], taken: Collection[str]) -> Allotment:
    """An id for each key, in order of the keys: a known one keeps its own, no id is ever given twice.

    `known` is every key that has an id already, asked for or not, `taken` every id that stands anywhere.
    """
    used = set(taken) | set(known.values())
    free = (one for one in map(name_id, range(FIRST, LAST + 1)) if one not in used)
    ids: dict[str, str] = {}
    without: list[str] = []
    for key in sorted(set(keys)):
        found = known.get(key) or next(free, "")
        if found:
            ids[key] = found
        else:
            without.append(key)
    return Allotment(ids, tuple(without))


def name_id(number: int) -> str:
    """The id of a number."""
    return f"{FAMILY}-{number:03d}"


def describe_range() -> str:
    """The range as users read it."""
    return f"{name_id(FIRST)} à {name_id(LAST)}"
