"""A report ready to be set: blocks of French text, with no layout and no model left in them.

Both the HTML and the PDF are made from a `Document`, so they cannot say different things.
`kind` tells the templates which block they hold.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Cell:
    """A text, the sign read with it, and its tone: ok, ko, warn, info, muted or none.

    `link` is a relative address, of which the page makes a link; paper shows the text alone.
    """

    text: str
    sign: str = ""
    tone: str = ""
    link: str = ""


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

    A `form` is filled by hand: its empty cells have room and a border. `on_paper`, where there is some,
    is set instead of the table in the PDF: a long report says there in a few lines what is good.
    """

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    empty: str = ""
    note: str = ""
    form: bool = False
    on_paper: tuple[Block, ...] = ()
    kind: str = field(default="table", init=False)


def shorten_on_paper(table: Table, limit: int, where: str) -> Table:
    """Return the table, of which the PDF sets the first `limit` rows and says where the others are."""
    left = len(table.rows) - limit
    if left <= 0:
        return table
    note = f"{left} autres lignes, {where}. {table.note}".strip()
    return replace(table, on_paper=(replace(table, rows=table.rows[:limit], note=note),))


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
    """An exact text, set in a fixed-width font and wrapped; without a label nothing stands above it."""

    label: str
    text: str
    kind: str = field(default="code", init=False)


@dataclass(frozen=True, slots=True)
class Items:
    """A list under its label; `empty` is said when there is nothing in it; `small` ones are long."""

    label: str
    items: tuple[str, ...]
    empty: str = ""
    small: bool = False
    kind: str = field(default="items", init=False)


@dataclass(frozen=True, slots=True)
class Names:
    """Ids after their label, none of them cut at the end of a line."""

    label: str
    names: tuple[str, ...]
    kind: str = field(default="names", init=False)


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a sentence; `style` is code, strong or none."""

    text: str
    style: str = ""


@dataclass(frozen=True, slots=True)
class Prose:
    """A paragraph of spans."""

    spans: tuple[Span, ...]
    kind: str = field(default="prose", init=False)


@dataclass(frozen=True, slots=True)
class Listing:
    """A list of sentences, numbered from `start` on when it is not None; `depth` is how far it is set in."""

    items: tuple[tuple[Span, ...], ...]
    start: int | None = None
    depth: int = 0
    kind: str = field(default="listing", init=False)


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing as one SVG that needs nothing else; `description` says in words what it shows."""

    title: str
    description: str
    svg: str


@dataclass(frozen=True, slots=True)
class Charts:
    """Drawings one under the other, or two by two when they are `small`."""

    items: tuple[Chart, ...]
    small: bool = False
    kind: str = field(default="charts", init=False)


@dataclass(frozen=True, slots=True)
class Matrix:
    """Signs in a grid: each row has a name, a cell per head, and a summary that says them in words.

    A cell shows its sign alone; its text is for those who do not see it.
    """

    caption: str
    corner: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell, ...], str], ...]
    legend: str
    note: str = ""
    kind: str = field(default="matrix", init=False)


Block: TypeAlias = (
    "Table | Paragraph | Pairs | Figures | Code | Items | Names | Prose | Listing | Charts | Matrix"
)


@dataclass(frozen=True, slots=True)
class Section:
    """A titled group of blocks; level 1 is a numbered chapter, level 2 is inside the one before.

    Without `on_paper` it is left out of the PDF: the section before says so. One that is kept `together` is on one
    page there, if a page has room for it.
    """

    anchor: str
    title: str
    blocks: tuple[Block, ...]
    level: int = 1
    on_paper: bool = True
    together: bool = False


@dataclass(frozen=True, slots=True)
class Document:
    """The whole report; `alerts` and the verdict come before everything else.

    `verdict_label`, `run_label` and `generated_label` are the words before the verdict, the run's id and
    the date, for other pages than a campaign's report; without `source_sha256` the foot of the page names no
    source, which is a `source_label`.
    """

    title: str
    status: str
    subject: str
    run_id: str
    generated: str
    alerts: tuple[Paragraph, ...]
    verdict: Cell
    conclusion: str
    reasons: tuple[str, ...]
    sections: tuple[Section, ...]
    source_sha256: str = ""
    verdict_label: str = "Verdict"
    run_label: str = "Exécution"
    generated_label: str = "rapport généré le"
    source_label: str = "Source JSON"
