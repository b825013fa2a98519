"""The document as a Word file, set in a template that a site edits: its styles, its first page, its header and footer.

A template is a .docx with `{{contenu}}` alone in a paragraph of its body; `{{titre}}`, `{{statut}}`, `{{objet}}`,
`{{identifiant}}`, `{{etabli}}`, `{{verdict}}` may stand anywhere, header and footer included. It is no program: nothing
in it is run, and a text of the document is never read as markup, nor as a field. Where the PDF sets a long table in
short, so does this file. A drawing is told in words: the figures are in the table beside it.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any

import docx
from docx.document import Document as WordFile
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.text.paragraph import Paragraph as WordParagraph

from reports.document import (
    Block,
    Cell,
    Charts,
    Code,
    Document,
    Figures,
    Items,
    Listing,
    Matrix,
    Names,
    Pairs,
    Paragraph,
    Prose,
    Section,
    Span,
    Table,
)
from reports.tame import tame_text
from reports.typography import keep_signs

CONTENT = "contenu"
PLACEHOLDER = re.compile(r"\{\{\s*(\w+)\s*\}\}")
MAX_TEMPLATE_BYTES = 16 << 20
STYLES = ("Title", "Heading 1", "Heading 2", "Caption", "List Bullet", "List Number")
TONES = {"ok": "1C6B34", "ko": "A3141E", "warn": "7A4B00", "info": "1D4F8C", "muted": "55606B"}
HEAD_FILL = "E9EDF0"
WIDTH_TWIPS = 10_000
LETTER_TWIPS, CELL_TWIPS = 105, 230  # the widest of an ordinary word in bold, and the sides of a cell
WHOLE_WORD, ROWS_MEASURED = 16, 200  # a longer word, a path or a hash, may be cut
ZIP_DATE = (1980, 1, 1, 0, 0, 0)  # the same document gives the same bytes
AUTHOR = "Le titulaire du marché"


def load_template() -> bytes:
    """The template of the project; a site copies it, then edits its own."""
    return files("reports").joinpath("templates", "document.docx").read_bytes()


def write_docx(document: Document, created: datetime, template: bytes | None = None) -> bytes:
    """Return the Word file; ValueError, in French, for a template that cannot be one."""
    word = _open(template or load_template())
    place = _find_content(word)
    _fill(word, _list_words(document))
    ids = {name.replace(" ", ""): str(word.styles[name].style_id) for name in STYLES}
    for element in _write_body(document):
        for style in element.iter(qn("w:pStyle")):  # a Word in French names them by its own ids
            style.set(qn("w:val"), ids[style.get(qn("w:val"))])
        place.addprevious(element)
    place.getparent().remove(place)
    about = word.core_properties
    about.title, about.subject = (
        _clean(one)[:255] for one in (document.title, document.subject)
    )  # as Word has it
    about.author = AUTHOR
    about.language, about.last_modified_by, about.comments = "fr-FR", AUTHOR, ""
    about.created = about.modified = created.astimezone(UTC).replace(tzinfo=None)
    about.revision = 1
    made = io.BytesIO()
    word.save(made)
    return _settle(made.getvalue())


def _open(template: bytes) -> WordFile:
    if len(template) > MAX_TEMPLATE_BYTES:
        raise ValueError("le modèle est trop long")
    try:
        word = docx.Document(io.BytesIO(template))
    except Exception as error:  # the library lets through whatever its readers of zip and XML raise
        raise ValueError("le modèle n'est pas un fichier .docx") from error
    known = {style.name for style in word.styles}
    missing = [name for name in STYLES if name not in known]
    if missing:
        raise ValueError(f"le modèle n'a pas le style « {missing[0]} »")
    return word


def _find_content(word: WordFile) -> Any:
    found = [one for one in word.paragraphs if one.text.strip() == f"{{{{{CONTENT}}}}}"]
    if len(found) != 1:
        raise ValueError("le modèle doit avoir un paragraphe {{contenu}}, et un seul")
    return found[0]._p


def _list_words(document: Document) -> dict[str, str]:
    return {
        "titre": document.title,
        "statut": document.status,
        "objet": document.subject,
        "identifiant": f"{document.run_label} {document.run_id}",
        "etabli": f"{document.generated_label} {document.generated}",
        "verdict": f"{document.verdict_label} : {document.verdict.text}",
    }


def _fill(word: WordFile, words: dict[str, str]) -> None:
    """Put the words in their places; Word may have cut a placeholder into several runs."""
    for paragraph in _list_paragraphs(word):
        whole = paragraph.text
        if "{{" not in whole:
            continue
        unknown = [name for name in PLACEHOLDER.findall(whole) if name not in words and name != CONTENT]
        if unknown:
            raise ValueError(f"le modèle demande « {unknown[0][:40]} », que les documents n'ont pas")
        filled = PLACEHOLDER.sub(lambda found: words.get(found[1], found[0]), whole)
        runs = paragraph.runs
        if filled == whole or not runs:
            continue
        holders = [run for run in runs if run.text]
        holders[0].text = _clean(filled)
        for run in holders[1:]:
            run.text = ""


def _list_paragraphs(word: WordFile) -> Iterator[WordParagraph]:
    parts: list[Any] = [word]
    for section in word.sections:
        own = (section.header, section.footer, section.first_page_header, section.first_page_footer)
        parts += [one for one in own if not one.is_linked_to_previous]  # to read another one would make it
    for part in parts:
        yield from part.paragraphs
        for table in part.tables:
            for row in table.rows:
                for cell in row.cells:
                    yield from cell.paragraphs


def _write_body(document: Document) -> Iterator[Any]:
    for alert in document.alerts:
        yield from _write_block(alert)
    verdict = document.verdict
    yield _paragraph(
        [_run(f"{document.verdict_label} : {_sign(verdict)}", bold=True, tone=verdict.tone, size=28)]
    )
    if document.conclusion:
        yield _paragraph([_run(document.conclusion)])
    for reason in document.reasons:
        yield _paragraph([_run(reason)], "ListBullet")
    for section in document.sections:
        yield from _write_section(section)
    if document.source_sha256:
        yield _paragraph([_run(f"{document.source_label}, SHA-256 : {document.source_sha256}", tone="muted")])


def _write_section(section: Section) -> Iterator[Any]:
    if not section.on_paper:
        return
    yield _paragraph([_run(section.title)], f"Heading{section.level}")
    for block in section.blocks:
        for short in getattr(block, "on_paper", ()) or (block,):
            yield from _write_block(short)


def _write_block(block: Block) -> Iterator[Any]:
    yield from _WRITERS[type(block)](block)


def _write_table(block: Table) -> Iterator[Any]:
    if not block.rows:
        if block.empty:
            yield _paragraph([_run(block.empty)])
    else:
        if block.caption:
            yield _paragraph([_run(block.caption)], "Caption", keep_next=True)
        heads = [(one.title, one.weight, one.numeric, one.mono) for one in block.columns]
        yield _table(block.caption, heads, block.rows, tall=block.form)
        yield _paragraph([], tight=True)
    if block.note:
        yield _paragraph([_run(block.note, tone="muted")])


def _write_paragraph(block: Paragraph) -> Iterator[Any]:
    sign = f"{block.sign} " if block.sign else ""
    yield _paragraph([_run(sign + block.text, bold=bool(block.tone), tone=block.tone)])


def _write_pairs(block: Pairs) -> Iterator[Any]:
    rows = tuple((Cell(label), Cell(value)) for label, value in (*block.items, *block.wide))
    if rows:
        yield _table("", [("Rubrique", 28, False, False), ("Valeur", 72, False, False)], rows)
        yield _paragraph([], tight=True)


def _write_figures(block: Figures) -> Iterator[Any]:
    rows = tuple((Cell(label), Cell(value, "", tone)) for value, label, tone in block.items)
    yield _table("", [("Grandeur", 70, False, False), ("Valeur", 30, True, False)], rows)
    yield _paragraph([], tight=True)


def _write_code(block: Code) -> Iterator[Any]:
    if block.label:
        yield _paragraph([_run(block.label, tone="muted")], keep_next=True)
    yield _paragraph([_run(block.text, mono=True)])


def _write_items(block: Items) -> Iterator[Any]:
    if block.label:
        yield _paragraph([_run(block.label, bold=True)], keep_next=bool(block.items))
    for item in block.items:
        yield _paragraph([_run(item)], "ListBullet")
    if not block.items and block.empty:
        yield _paragraph([_run(block.empty)])


def _write_names(block: Names) -> Iterator[Any]:
    yield _paragraph([_run(f"{block.label} {', '.join(block.names)}.")])


def _write_prose(block: Prose) -> Iterator[Any]:
    yield _paragraph(_spans(block.spans))


def _write_listing(block: Listing) -> Iterator[Any]:
    for number, item in enumerate(block.items, block.start or 0):
        # Numbers are written, so that every list begins where it says.
        head = [] if block.start is None else [_run(f"{number}. ")]
        yield _paragraph(
            [*head, *_spans(item)], "ListBullet" if block.start is None else "", indent=block.depth
        )


def _write_charts(block: Charts) -> Iterator[Any]:
    for chart in block.items:
        yield _paragraph([_run(chart.title, bold=True)], keep_next=True)
        yield _paragraph([_run(chart.description)])


def _write_matrix(block: Matrix) -> Iterator[Any]:
    yield _paragraph([_run(block.caption)], "Caption", keep_next=True)
    heads = [(block.corner, 30, False, False), *((head, 5, False, False) for head in block.heads)]
    rows = tuple(
        (Cell(name), *(Cell(cell.sign or cell.text, "", cell.tone) for cell in cells))
        for name, cells, _ in block.rows
    )
    yield _table(block.caption, heads, rows)
    yield _paragraph([_run(f"{block.legend}. {block.note}".strip(), tone="muted")])


_WRITERS: dict[type, Callable[[Any], Iterator[Any]]] = {
    Table: _write_table,
    Paragraph: _write_paragraph,
    Pairs: _write_pairs,
    Figures: _write_figures,
    Code: _write_code,
    Items: _write_items,
    Names: _write_names,
    Prose: _write_prose,
    Listing: _write_listing,
    Charts: _write_charts,
    Matrix: _write_matrix,
}


def _spans(spans: tuple[Span, ...]) -> list[Any]:
    return [_run(one.text, bold=one.style == "strong", mono=one.style == "code") for one in spans]


def _sign(cell: Cell) -> str:
    return f"{cell.sign}\u00a0{cell.text}" if cell.sign else cell.text


def _clean(words: str) -> str:
    return tame_text(words)


def _element(name: str, **attributes: str) -> Any:
    element = OxmlElement(name)
    for key, value in attributes.items():
        element.set(qn(f"w:{key}"), value)
    return element


def _put(parent: Any, name: str, **attributes: str) -> Any:
    child = _element(name, **attributes)
    parent.append(child)
    return child


def _run(words: str, *, bold: bool = False, mono: bool = False, tone: str = "", size: int = 0) -> Any:
    """One run; line ends and tabs are Word's own, everything else is text."""
    run = _element("w:r")
    look = _put(run, "w:rPr")
    if mono:
        _put(look, "w:rFonts", ascii="DejaVu Sans Mono", hAnsi="DejaVu Sans Mono", cs="DejaVu Sans Mono")
    if bold:
        _put(look, "w:b")
    if tone in TONES:
        _put(look, "w:color", val=TONES[tone])
    if mono or size:
        _put(look, "w:sz", val=str(size or 16))
    clean = _clean(words)
    for number, line in enumerate((clean if mono else keep_signs(clean)).split("\n")):
        if number:
            _put(run, "w:br")
        for place, piece in enumerate(line.split("\t")):
            if place:
                _put(run, "w:tab")
            written = _element("w:t")
            written.text = piece
            written.set("{http://www.w3.org/XML/1998/namespace}space", "preserve")
            run.append(written)
    return run


def _paragraph(
    runs: list[Any],
    style: str = "",
    *,
    keep_next: bool = False,
    indent: int = 0,
    right: bool = False,
    tight: bool = False,
) -> Any:
    paragraph = _element("w:p")
    look = _put(paragraph, "w:pPr")
    if style:
        _put(look, "w:pStyle", val=style)
    if keep_next:
        _put(look, "w:keepNext")
    if tight:
        _put(look, "w:spacing", before="20", after="20")
    if indent:
        _put(look, "w:ind", left=str(360 * indent))
    if right:
        _put(look, "w:jc", val="right")
    paragraph.extend(runs)
    return paragraph


def _table(
    caption: str,
    heads: list[tuple[str, int, bool, bool]],
    rows: tuple[tuple[Cell, ...], ...],
    *,
    tall: bool = False,
) -> Any:
    """A table whose first row is its heading, told again on each page."""
    table = _element("w:tbl")
    look = _put(table, "w:tblPr")
    _put(look, "w:tblW", w=str(5000), type="pct")
    borders = _put(look, "w:tblBorders")
    for side in ("top", "left", "bottom", "right", "insideH", "insideV"):
        _put(borders, f"w:{side}", val="single", sz="4", space="0", color="B9C1C8")
    _put(look, "w:tblLayout", type="fixed")
    _put(look, "w:tblLook", val="0020", firstRow="1")
    if caption:
        _put(look, "w:tblCaption", val=_clean(caption)[:250])
    widths = [str(width) for width in share_width(heads, rows)]
    grid = _put(table, "w:tblGrid")
    for width in widths:
        _put(grid, "w:gridCol", w=width)
    head = _put(table, "w:tr")
    told = _put(head, "w:trPr")
    _put(told, "w:cantSplit")
    _put(told, "w:tblHeader")
    for (title, _, numeric, _), width in zip(heads, widths, strict=True):
        cell = _put_cell(head, width, HEAD_FILL)
        cell.append(_paragraph([_run(title, bold=True, size=17)], right=numeric, tight=True))
    for row in rows:
        line = _put(table, "w:tr")
        told = _put(line, "w:trPr")
        _put(told, "w:cantSplit")
        if tall:
            _put(told, "w:trHeight", val="560", hRule="atLeast")
        for (_, _, numeric, mono), width, one in zip(heads, widths, row, strict=True):
            cell = _put_cell(line, width)
            run = _run(_sign(one), bold=bool(one.sign), mono=mono, tone=one.tone, size=15 if mono else 17)
            cell.append(_paragraph([run], right=numeric, tight=True))
    return table


def share_width(heads: list[tuple[str, int, bool, bool]], rows: tuple[tuple[Cell, ...], ...]) -> list[int]:
    """The width of each column in twips, by their weights; none is narrower than its longest word, as far as may be.

    Word cuts a word that does not fit anywhere, without a hyphen.
    """
    needs = []
    for place, (title, _, _, mono) in enumerate(heads):
        words = title.split()
        if not mono:
            words += [word for row in rows[:ROWS_MEASURED] for word in _sign(row[place]).split(" ")]
        longest = max((len(word) for word in words if len(word) <= WHOLE_WORD), default=0)
        needs.append(min(longest * LETTER_TWIPS + CELL_TWIPS, WIDTH_TWIPS // len(heads)))
    weights = [weight for _, weight, _, _ in heads]
    widths = [0] * len(heads)
    open_places = set(range(len(heads)))
    while open_places:
        room = WIDTH_TWIPS - sum(widths)
        total = sum(weights[place] for place in open_places)
        short = {place for place in open_places if room * weights[place] // total < needs[place]}
        for place in short or open_places:
            widths[place] = needs[place] if short else room * weights[place] // total
        open_places -= short or open_places
    return widths


def _put_cell(row: Any, width: str, fill: str = "") -> Any:
    cell = _put(row, "w:tc")
    look = _put(cell, "w:tcPr")
    _put(look, "w:tcW", w=width, type="dxa")
    if fill:
        _put(look, "w:shd", val="clear", color="auto", fill=fill)
    return cell


def _settle(content: bytes) -> bytes:
    """The same parts, in the same order, without the hour of this clock."""
    made = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as source,
        zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for name in source.namelist():
            about = zipfile.ZipInfo(name, ZIP_DATE)
            about.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(about, source.read(name))
    return made.getvalue()
