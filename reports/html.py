"""The document as one HTML page that needs nothing else.

Tables are written here, a row at a time: with a macro a cell the template engine takes seconds for a
large report. Every text still goes through `escape`; what `Markup` holds is made in this module only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup, escape

from reports.document import Cell, Chart, Column, Document, Matrix, Table
from reports.tame import is_wild, tame

# A path beside or above the page, quoted: neither a scheme nor another machine fits in it.
RELATIVE = re.compile(r"(?:\.\./)*[A-Za-z0-9._~%-]+(?:/[A-Za-z0-9._~%-]+)*")


def write_html(document: Document) -> str:
    """Return the page; every text is escaped, and tamed where one is found that was not."""
    page = load_template().render(document=document)
    if is_wild(page):
        page = load_template().render(document=tame(document))
    return page + "\n"


@cache
def load_template() -> Template:
    """Return the page's template, compiled once."""
    environment = Environment(
        loader=PackageLoader("reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"body": write_body, "signs": write_signs, "drawing": write_drawing}
    return environment.get_template("rapport_a2.html.j2")


def write_body(table: Table) -> Markup:
    """Return the rows of a table; the first cell of a row is its heading, unless it says nothing."""
    show = _remember_cells()
    marks = [_open_cell(column, place == 0) for place, column in enumerate(table.columns)]
    without_heading = [_open_cell(column, False) for column in table.columns]
    lines = []
    for row in table.rows:
        chosen = marks if row[0].text.strip() else without_heading
        cells = [f"{start}{show(cell)}{end}" for (start, end), cell in zip(chosen, row, strict=True)]
        lines.append(f'<tr role="row">{"".join(cells)}</tr>')
    return Markup("\n".join(lines))  # noqa: S704  # every text in it was escaped


def _open_cell(column: Column, is_heading: bool) -> tuple[str, str]:
    kind = "mono" if column.mono else "numeric" if column.numeric and not is_heading else ""
    shown = f' class="{kind}"' if kind else ""
    label = f' data-label="{escape(column.title)}"'
    if is_heading:
        return f'<th role="rowheader" scope="row"{label}{shown}>', "</th>"
    return f'<td role="cell"{label}{shown}>', "</td>"


def _remember_cells() -> Callable[[Cell], str]:
    """Return how to write a cell, the ones with a sign once each: they are few and come often."""
    known: dict[Cell, str] = {}

    def show(cell: Cell) -> str:
        if cell.link and RELATIVE.fullmatch(cell.link):
            return f'<a href="{escape(cell.link)}">{escape(cell.text)}</a>'
        if not cell.sign:
            return escape(cell.text)
        if cell not in known:
            known[cell] = (
                f'<span class="mark {escape(cell.tone)}"><span aria-hidden="true">{escape(cell.sign)}</span> '
                f"{escape(cell.text)}</span>"
            )
        return known[cell]

    return show


def write_signs(matrix: Matrix) -> Markup:
    """Return the rows of a matrix: a sign a cell for the eye, its word and a summary for the ear."""
    return Markup("\n".join(_write_sign_rows(matrix)))  # noqa: S704  # every text in it was escaped


def _write_sign_rows(matrix: Matrix) -> Iterator[str]:
    for name, cells, summary in matrix.rows:
        signs = "".join(
            f'<td role="cell" class="{escape(cell.tone)}" title="{escape(cell.text)}">'
            f'<span aria-hidden="true">{escape(cell.sign)}</span><span class="unseen">{escape(cell.text)}</span></td>'
            for cell in cells
        )
        yield (
            f'<tr role="row"><th role="rowheader" scope="row">{escape(name)}'
            f'<span class="unseen"> ({escape(summary)})</span></th>{signs}</tr>'
        )


def write_drawing(chart: Chart) -> Markup:
    """Return the SVG as it is: `reports.charts` escaped the texts in it."""
    return Markup(chart.svg)  # noqa: S704
