"""How a table is cut into slices, alike on both sides, and what each slice sums to. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

# Rows and the exact sum of the signed 64-bit hashes of all of them.
Sum: TypeAlias = tuple[int, int]
NOTHING: Sum = (0, 0)


@dataclass(frozen=True, slots=True)
class Extent:
    """What one side says of its table: positions from `first` to `last`, about how many rows, version of its hashes.

    `storage` is another number once the rows may all have another position.
    """

    first: int
    last: int
    rows: int
    hash_version: int
    storage: int = 0


@dataclass(frozen=True, slots=True)
class Layout:
    """Slice n holds the positions from first + n × width on, `width` of them; nothing lies outside."""

    first: int
    width: int
    count: int

    def batches(self, numbers: Iterable[int], size: int) -> Iterator[list[int]]:
        """Numbers of slices, some at a time."""
        batch: list[int] = []
        for number in numbers:
            batch.append(number)
            if len(batch) == size:
                yield batch
                batch = []
        if batch:
            yield batch


@dataclass(frozen=True, slots=True)
class Bound:
    """Only rows whose `column` is at most `upto` are compared: those that nobody writes any more.

    Without `upto` it is the smaller of the largest values that the two sides have.
    """

    column: str
    upto: object = None


@dataclass(frozen=True, slots=True)
class Portion:
    """Rows that are hashed in one request: of some slices, or of one slice the `chosen` ones of its `parts`."""

    slices: tuple[int, ...]
    rows: int
    parts: int = 1
    chosen: tuple[int, ...] = ()


def find_differing(left: Mapping[int, Sum], right: Mapping[int, Sum]) -> list[int]:
    """Slices that do not sum to the same on both sides, in order."""
    return sorted(n for n in left.keys() | right.keys() if left.get(n, NOTHING) != right.get(n, NOTHING))


def add_up(sums: Mapping[int, Sum]) -> Sum:
    """The whole table's; equal on both sides when the rows are, wherever each keeps them."""
    return sum(count for count, _ in sums.values()), sum(total for _, total in sums.values())


def batch_by_rows(
    numbers: Iterable[int], rows: Mapping[int, int], most: int, most_slices: int
) -> Iterator[list[int]]:
    """Slices together as long as they hold no more than `most` rows, and at least one at a time."""
    batch: list[int] = []
    total = 0
    for number in numbers:
        count = rows.get(number, 0)
        if batch and (total + count > most or len(batch) >= most_slices):
            yield batch
            batch, total = [], 0
        batch.append(number)
        total += count
    if batch:
        yield batch
