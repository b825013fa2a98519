"""Compare one table on two sides: sums of slices, hashes of the rows of slices that differ, then these rows.

What is equal is never fetched. Both servers work at once, each in its own thread; the caller's only puts together.
"""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, wait
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from nonreg.comparison.dialect import DIALECTS
from nonreg.comparison.differences import Difference, pair_rows
from nonreg.comparison.hashes import Entries, Residue, add_hashes
from nonreg.comparison.journal import Journal
from nonreg.comparison.pace import Pace
from nonreg.comparison.progress import Progress
from nonreg.comparison.side import Place, Question, Side, Stopped, tell_requests
from nonreg.comparison.slices import NOTHING, Bound, Portion, Sum, add_up, batch_by_rows, find_differing
from nonreg.comparison.table import Name, list_alone, match_tables, require_bound
from nonreg.errors import RequestFailed

Result = TypeVar("Result")
HASHED_ROWS = 100_000  # of one batch and side
HASHED_SLICES = 2_000
# A slice may hold any number of rows (a key that is a text is not cut): it is cut by the hashes themselves.
PART_ROWS, MOST_PARTS = 5_000, 50_000
FETCHED_ROWS = 10_000
FULL_PACE = Pace()
MOST_DIFFERENCES = 200_000  # rows of one side that are fetched and named


@dataclass(frozen=True, slots=True)
class Options:
    """`most` is how many differing rows of a side are named; `journal` is the file to go on from.

    With `common`, columns that only one side has are left out, and the comparison says which.
    """

    bound: Bound | None = None
    pace: Pace = FULL_PACE
    most: int = MOST_DIFFERENCES
    journal: Path | None = None
    common: bool = False


@dataclass(frozen=True, slots=True)
class Comparison:
    """What was found: `differences` in order of key, `more` rows of either side that differ and are not named.

    `columns` are those of rows, the key's first; rows above `bound` were not looked at; `resumed` counts slices that an
    earlier try had summed; `places` are what the sides are called, `left_out` the columns that only the left and only
    the right has.
    """

    table: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    left_rows: int
    right_rows: int
    differences: tuple[Difference, ...]
    more: int
    requests: tuple[str, ...]
    seconds: float
    resumed: int = 0
    places: tuple[str, str] = ("", "")
    bound: Bound | None = None
    left_out: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())

    @property
    def is_equal(self) -> bool:
        """Whether both sides hold the same rows."""
        return not self.differences and not self.more


def compare_once(
    left: tuple[Place, str],
    right: tuple[Place, str],
    name: Name,
    options: Options,
    tell: Callable[[Progress], None],
) -> Comparison:
    """One look at both sides, each a place and what it is called.

    PlatformError says why it could not be done; what was summed stays in the journal.
    """
    if left[0].engine != right[0].engine:
        raise RequestFailed(
            f"{left[1]} et {right[1]} n'ont pas le même moteur de base : leurs tables ne se comparent pas."
        )
    started = time.monotonic()
    stop = threading.Event()
    with ExitStack() as stack:
        sides = [stack.enter_context(Side(*one, options.pace, stop)) for one in (left, right)]
        look = Look(sides, name, options, tell, stop, left[0].engine)
        question = look.prepare()
        sums, resumed = look.sum_slices(question)
        totals = [add_up(one) for one in sums]
        found: tuple[Difference, ...] = ()
        more = 0
        if totals[0] != totals[1]:
            try:
                found, more = look.find_rows(question, sums)
            except TableMoved:
                look.forget()  # sums that explain nothing would be taken up for ever
                raise
    look.forget()
    shown = question.table.shown
    return Comparison(
        str(name),
        tuple(column.name for column in shown),
        question.table.key,
        totals[0][0],
        totals[1][0],
        found,
        more,
        tell_requests(sides, question.bound),
        time.monotonic() - started,
        resumed,
        (left[1], right[1]),
        question.bound,
        look.left_out,
    )


class Look:
    """One look at both sides."""

    def __init__(
        self,
        sides: Sequence[Side],
        name: Name,
        options: Options,
        tell: Callable[[Progress], None],
        stop: threading.Event,
        engine: str,
    ) -> None:
        self._sides = sides
        self._name = name
        self._options = options
        self._tell = tell
        self._stop = stop
        self._dialect = DIALECTS[engine]
        self.journal: Journal | None = None
        self.left_out: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())

    def prepare(self) -> Question:
        """Agree on what is compared and how it is cut."""
        tables = self._both(side.open(self._name) for side in self._sides)
        places = (self._sides[0].label, self._sides[1].label)
        table = match_tables(tables[0], tables[1], places, common=self._options.common)
        self.left_out = list_alone(tables[0], tables[1])
        bound = self._options.bound
        if bound:
            require_bound(table, bound)
        if bound and bound.upto is None:
            marks = self._both(side.read_mark(table, bound.column) for side in self._sides)
            if any(mark != mark for mark in marks):  # NaN, which is larger than all and equals nothing
                raise RequestFailed(f"{self._name} : NaN dans « {bound.column} », donnez la borne vous-même.")
            # A side without rows has no mark: everything is compared, and differs.
            bound = None if None in marks else Bound(bound.column, min(marks))
        extents = self._both(side.read_extent(table) for side in self._sides)
        portable = len({extent.hash_version for extent in extents}) > 1
        layout = self._dialect.lay_out(table, extents)
        if self._options.journal and bound:
            subject = {
                "table": str(self._name),
                "sites": [side.label for side in self._sides],
                "bound": [bound.column, bound.upto],
                "hash": self._dialect.write_hash(table.shown, portable),
                "slices": [layout.first, layout.width],
                "storage": [extent.storage for extent in extents],
            }
            self.journal = Journal(self._options.journal, subject)
        return Question(table, layout, bound, self._dialect.write_hash(table.shown, portable))

    def sum_slices(self, question: Question) -> tuple[tuple[dict[int, Sum], dict[int, Sum]], int]:
        """Every slice's rows and checksum on each side, and how many were known already."""
        journal = self.journal
        sums: tuple[dict[int, Sum], dict[int, Sum]] = ({}, {})
        everything = range(question.layout.count)
        if journal:
            for known, mine in zip(journal.sums, sums, strict=True):
                mine.update((number, one) for number, one in known.items() if number in everything)
        resumed = len(sums[0]) + len(sums[1])
        progress = Progress("sommes", 2 * question.layout.count, resumed)

        def note(side: int, found: Mapping[int, Sum]) -> None:
            sums[side].update(found)
            if journal:
                journal.add(side, found)
            self._tell(progress.plus(len(found)))

        self._both(
            side.read_sums(
                question,
                [number for number in everything if number not in sums[index]],
                lambda found, index=index: note(index, found),  # type: ignore[misc]
            )
            for index, side in enumerate(self._sides)
        )
        if resumed:
            self._count_again(question, sums)
        return sums, resumed

    def forget(self) -> None:
        """Leave nothing to be taken up."""
        if self.journal:
            self.journal.forget()

    def _count_again(self, question: Question, sums: Sequence[Mapping[int, Sum]]) -> None:
        """What was summed at two times must be as many rows of each slice now: one that moved in between was missed."""
        everything = range(question.layout.count)
        counts: tuple[dict[int, Sum], dict[int, Sum]] = ({}, {})
        counting = replace(question, row_hash="0")
        self._both(
            side.read_sums(counting, everything, found.update, "nombre")
            for side, found in zip(self._sides, counts, strict=True)
        )
        for side, found, known in zip(self._sides, counts, sums, strict=True):
            if any(found[number][0] != known[number][0] for number in everything):
                self.forget()
                raise RequestFailed(
                    f"{self._name} a changé sur {side.label} sous la borne depuis la comparaison interrompue : "
                    "recommencez, elle repartira du début."
                )

    def find_rows(
        self, question: Question, sums: Sequence[Mapping[int, Sum]]
    ) -> tuple[tuple[Difference, ...], int]:
        """The rows that differ, and how many are not named."""
        differing = find_differing(sums[0], sums[1])
        sizes = {number: max(one.get(number, (0, 0))[0] for one in sums) for number in differing}
        with tempfile.TemporaryDirectory() as folder:
            residue = Residue(Path(folder))
            portions = [
                portion
                for batch in batch_by_rows(differing, sizes, HASHED_ROWS, HASHED_SLICES)
                for portion in self._divide(question, batch, sum(sizes[number] for number in batch))
            ]
            progress = Progress("lignes", sum(portion.rows for portion in portions))
            asked: list[list[Future[Entries]]] = []
            for index, portion in enumerate(portions):
                asked.extend(  # both servers work on the next one meanwhile
                    [
                        side.read_hashes(question, ahead.slices, ahead.parts, ahead.chosen)
                        for side in self._sides
                    ]
                    for ahead in portions[len(asked) : index + 2]
                )
                left, right = self._both(asked[index])
                asked[index] = []
                residue.add(left, right)
                self._tell(progress.plus(portion.rows))
            parts = list(self._choose(residue, sums))
        wanted = [np.concatenate([part[side] for part, _ in parts]) for side in range(2)]
        more = sum(left_out for _, left_out in parts)
        rows = self._both(
            side.read_rows(question, cut(entries)) for side, entries in zip(self._sides, wanted, strict=True)
        )
        for side, entries, found in zip(self._sides, wanted, rows, strict=True):
            if len(found) != len(entries):
                raise changed(self._name, side.label)
        return pair_rows(rows[0], rows[1], len(question.table.key), is_whole=not more), more

    def _divide(self, question: Question, slices: Sequence[int], rows: int) -> Iterator[Portion]:
        """What is hashed at once: slices together, but only the parts that differ of one that is too large."""
        if rows <= HASHED_ROWS:
            yield Portion(tuple(slices), rows)
            return
        (number,) = slices
        parts = min(-(-rows // PART_ROWS), MOST_PARTS)
        sums = self._both(side.read_parts(question, number, parts) for side in self._sides)
        sizes = {part: max(one.get(part, NOTHING)[0] for one in sums) for part in find_differing(*sums)}
        for chosen in batch_by_rows(sizes, sizes, HASHED_ROWS, HASHED_SLICES):
            yield Portion((number,), sum(sizes[part] for part in chosen), parts, tuple(chosen))

    def _choose(
        self, residue: Residue, sums: Sequence[Mapping[int, Sum]]
    ) -> Iterable[tuple[tuple[Entries, Entries], int]]:
        """What is to be fetched of each part and how much is not, once the hashes explain the sums."""
        totals = [add_up(one) for one in sums]
        count, total = (totals[0][place] - totals[1][place] for place in range(2))
        room = [self._options.most, self._options.most]
        for left, right in residue.parts():
            count -= len(left) - len(right)
            total -= add_hashes(left) - add_hashes(right)
            taken = [entries[: room[side]] for side, entries in enumerate((left, right))]
            room = [rest - len(entries) for rest, entries in zip(room, taken, strict=True)]
            yield (taken[0], taken[1]), len(left) + len(right) - len(taken[0]) - len(taken[1])
        if count or total:
            raise changed(self._name, " ou ".join(side.label for side in self._sides))

    def _both(self, futures: Iterable[Future[Result]]) -> list[Result]:
        """Both answers; the first failure stops the other side and is the one that is told."""
        waiting = list(futures)
        done, _ = wait(waiting, return_when=FIRST_EXCEPTION)
        failed = [future.exception() for future in waiting if future in done and future.exception()]
        if failed:
            self._stop.set()
            raise next((error for error in failed if not isinstance(error, Stopped)), failed[0])  # type: ignore[misc]
        return [future.result() for future in waiting]


def cut(entries: Entries) -> list[Entries]:
    """Entries in order of place, some thousand at a time."""
    ordered = entries[np.argsort(entries["place"], kind="stable")]
    return [ordered[start : start + FETCHED_ROWS] for start in range(0, len(ordered), FETCHED_ROWS)]


class TableMoved(RequestFailed):
    """A table did not stand still."""


def changed(name: Name, where: str) -> TableMoved:
    """The error for it."""
    return TableMoved(
        f"{name} a changé sur {where} pendant sa comparaison : recommencez, avec une borne qui ne prend que les lignes "
        "que personne n'écrit plus."
    )
