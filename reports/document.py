"""A report ready to be set: blocks of French text, with no layout and no model left in them.

Both the HTML and the PDF are made from a `Document`, so they cannot say different things.
`kind` tells the templates which block they hold.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Cell:
    """A text, the sign read with it, and its tone: ok, ko, warn, info, muted or none."""

    text: str
    sign: str = ""
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """A column; `weight` is its share of the width, `numeric` ones are set flush right."""

    title: str
    weight: int = 10
    mono: bool = False
    numeric: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Rows as long as `columns`; `empty` is said instead of a table without rows, `note` under it.

    A `form` is filled by hand: its empty cells have room and a border.
    """

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    empty: str = ""
    note: str = ""
    form: bool = False
    kind: str = field(default="table", init=False)


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph; with a tone and a sign it is a notice."""

    text: str
    tone: str = ""
    sign: str = ""
    kind: str = field(default="paragraph", init=False)


@dataclass(frozen=True, slots=True)
class Pairs:
    """Labels and values in two columns; `wide` ones take the whole width."""

    items: tuple[tuple[str, str], ...]
    wide: tuple[tuple[str, str], ...] = ()
    kind: str = field(default="pairs", init=False)


@dataclass(frozen=True, slots=True)
class Figures:
    """A strip of figures: value, label, tone."""

    items: tuple[tuple[str, str, str], ...]
    kind: str = field(default="figures", init=False)


@dataclass(frozen=True, slots=True)
class Code:
    """An exact text, set in a fixed-width font and wrapped."""

    label: str
    text: str
    kind: str = field(default="code", init=False)


@dataclass(frozen=True, slots=True)
class Items:
    """A list under its label; `empty` is said when there is nothing in it."""

    label: str
    items: tuple[str, ...]
    empty: str = ""
    kind: str = field(default="items", init=False)


Block: TypeAlias = Table | Paragraph | Pairs | Figures | Code | Items


@dataclass(frozen=True, slots=True)
class Section:
    """A titled group of blocks; level 1 is a numbered chapter, level 2 is inside the one before."""

    anchor: str
    title: str
    blocks: tuple[Block, ...]
    level: int = 1


@dataclass(frozen=True, slots=True)
class Document:
    """The whole report; `alerts` and the verdict come before everything else."""

    title: str
    status: str
    subject: str
    run_id: str
    generated: str
    alerts: tuple[str, ...]
    verdict: Cell
    conclusion: str
    reasons: tuple[str, ...]
    sections: tuple[Section, ...]
    source_sha256: str
