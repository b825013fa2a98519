"""The document as a tagged PDF (PDF/UA-1 and PDF/A-2a), set by typst with its own fonts.

Texts reach typst as JSON strings, never as markup. Two things are done to them on the way: characters
that its fonts cannot draw are shown by their number, since PDF/UA refuses a missing glyph, and places
where a long word may be cut are marked.

Every heading of a column is one to a screen reader. Those of rows are not: typst marks a cell so only with a switch
(`pdf.header-cell`, feature a11y-extras) that its Python binding does not have.

A table row costs typst some 100 KB, and a table of thousands of them minutes: what bounds time and memory is
that a long document says in short, on paper, what is good (`Table.on_paper`), and details the worst failures
only (`Section.on_paper`). Measured with 10 000 results, 3 % to be told: 110 pages, 380 MB; all 10 000 failed:
250 pages, 820 MB.
"""

from __future__ import annotations

import dataclasses
import json
import re
import unicodedata
from collections.abc import Callable
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any

import typst

from reports.document import Chart, Document, Section
from reports.tame import tame_text

# Unit and record separators: control characters, so they cannot be left in a printable text.
BREAK, WORD = "\x1f", "\x1e"

# What both families of the typst wheel draw together in regular and bold, found by compiling each one.
_DRAWABLE = re.compile(
    "[^\n\u0020-\u007e\u00a0-\u00ac\u00ae-\u02ff\u0370-\u0377\u037a-\u037f\u0384-\u038a\u038c"
    "\u038e-\u03a1\u03a3-\u0482\u048a-\u04ff\u1e00-\u1eff\u2002-\u200a\u2010-\u2027\u202f-\u2040"
    "\u2044-\u2052\u2070-\u2071\u2074-\u208e\u20a0-\u20bf\u2100-\u211e\u2126-\u2151\u2153-\u2184"
    "\u2190-\u23ff\u2460-\u262f\u2690-\u269c\u2701-\u2704\u2706-\u2709\u270c-\u2727\u2794\u2798-\u27af"
    "\ufb00-\ufb02\ufffd]"
)
_WORD = re.compile(r"\S{13,}")
_PIECE = re.compile(r"[(\[{]*[^_./\\\-=,;:()\[\]{}|&?+@#]*[_./\\\-=,;:)\]}|&?+@#]*")


def write_pdf(document: Document, created: datetime) -> bytes:
    """Return the PDF; the same document and moment give the same bytes."""
    data = _prepare(document, cache(lambda text: mark_breaks(keep_drawable(tame_text(text)))))
    template = files("reports").joinpath("templates", "rapport_a2.typ").read_bytes()
    return typst.compile(
        template,
        format="pdf",
        sys_inputs={"document": json.dumps(data, ensure_ascii=False)},
        ignore_system_fonts=True,  # the same page on every machine
        pdf_standards=["ua-1", "a-2a"],  # accessible, and readable in thirty years
        timestamp=int(created.timestamp()),
    )


def keep_drawable(text: str) -> str:
    """Return `text` where each character without a glyph is shown by its number, e.g. `[U+1F600]`."""
    normal = unicodedata.normalize("NFC", text.expandtabs(4))  # typst gives a tab no width
    return _DRAWABLE.sub(lambda found: f"[U+{ord(found[0]):04X}]", normal)


def mark_breaks(text: str) -> str:
    """Return `text` with marks where a long word may be cut, without a hyphen: hashes and paths stay in the page."""
    return _WORD.sub(lambda found: _mark_word(found[0]), text)


def _mark_word(word: str) -> str:
    if len(word) <= 24 and re.fullmatch(r"[(«]*[^\W\d_]+(['’][^\W\d_]+)*[.,;:)»]*", word):
        return word  # a word of the language: hyphenation knows better
    pieces: list[str] = []
    for piece in _PIECE.findall(word):
        pieces += [piece[i : i + 4] for i in range(0, len(piece), 4)] if len(piece) > 12 else [piece]
    return WORD + BREAK.join(piece for piece in pieces if piece) + WORD


def _prepare(value: Any, change: Callable[[str], str]) -> Any:
    """Return dataclasses as dictionaries, long tables as what stands for them on paper, texts changed."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, tuple):
        return [_prepare(item, change) for item in value if getattr(item, "on_paper", True) is not False]
    if isinstance(value, Section):
        blocks = [short for block in value.blocks for short in getattr(block, "on_paper", ()) or (block,)]
        return {**_prepare_fields(value, change), "blocks": [_prepare(block, change) for block in blocks]}
    if isinstance(value, Chart):  # a drawing is no text: only what is said of it
        return {**_prepare_fields(value, change), "svg": value.svg}
    return _prepare_fields(value, change) if dataclasses.is_dataclass(value) else value


def _prepare_fields(value: Any, change: Callable[[str], str]) -> dict[str, Any]:
    names = (field.name for field in dataclasses.fields(value))
    skipped = ("blocks", "on_paper", "svg")
    return {name: _prepare(getattr(value, name), change) for name in names if name not in skipped}
