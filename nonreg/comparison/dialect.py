"""What an engine does its own way to compare a table: the same functions in a module of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from nonreg.clients.sql import Rows
from nonreg.comparison import mssql, postgresql
from nonreg.comparison.hashes import Entries
from nonreg.comparison.slices import Bound, Extent, Layout
from nonreg.comparison.table import Column, Kind, Name, Table


class Dialect(Protocol):
    """Statements for one table, one layout, one bound; `:slices` are the numbers asked for, `:upto` the bound."""

    @property
    def KINDS(self) -> Mapping[str, Kind]:  # noqa: N802 - a module's constant
        """What each type of the engine is."""

    def write_start(self, name: Name) -> tuple[str, ...]:
        """What a session begins with."""

    def write_hash(self, columns: Sequence[Column], portable: bool) -> str:
        """Signed 64 bits of one row of `m`."""

    def write_extent(self, table: Table) -> str:
        """first_position, last_position, row_count, hash_version."""

    def write_mark(self, table: Table, column: str) -> str:
        """The largest value of a column."""

    def lay_out(self, table: Table, extents: Sequence[Extent]) -> Layout:
        """Slices for both sides."""

    def write_sums(self, table: Table, layout: Layout, bound: Bound | None, row_hash: str) -> str:
        """slice, row_count, checksum."""

    def write_parts(self, table: Table, layout: Layout, bound: Bound | None, row_hash: str) -> str:
        """part, row_count, checksum of a slice whose rows are cut in `:parts` by their hash itself."""

    def write_hashes(
        self, table: Table, layout: Layout, bound: Bound | None, row_hash: str, *, in_parts: bool
    ) -> str:
        """What `read_hashes` reads, of the parts `:chosen` out of `:parts` only when it is `in_parts`."""

    def read_hashes(self, rows: Rows) -> Entries:
        """Hashes with their places."""

    def write_rows(self, table: Table, layout: Layout, bound: Bound | None, row_hash: str) -> str:
        """The columns, key first, of the rows that `choose_rows` names."""

    def read_rows(self, table: Table, rows: Rows) -> list[tuple[Any, ...]]:
        """These rows, each value equal to itself."""

    def choose_rows(self, entries: Entries) -> Mapping[str, object]:
        """Parameters of `write_rows` for some entries."""


DIALECTS: Mapping[str, Dialect] = {"postgresql": postgresql, "mssql": mssql}
