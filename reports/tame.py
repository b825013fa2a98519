"""The last thing done to a document before it is set, whoever made it: no text hides, reorders or floods anything.

Reports shorten and clean what they show themselves, each in its way; this is what holds when one of them forgot.
"""

from __future__ import annotations

import re

from reports import text
from reports.document import Chart, Charts, Document

MOST_CHARACTERS = 20_000  # some six pages of a PDF, where a word of megabytes would take all memory
REST = "texte complet dans la source"
# Signs drawn over the same letter, which would climb over the lines above: no language has as many.
_ACCENT = "[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]"
_PLAIN = bytes(range(0x20, 0x7F)) + b"\n"
_STACK = re.compile(f"({_ACCENT}{{4}})({_ACCENT}+)")


def tame_text(words: str) -> str:
    """Return the text, printable, of a length that a page can bear, with at most four accents on a letter."""
    if len(words) > MOST_CHARACTERS:
        words = text.shorten(words, MOST_CHARACTERS, REST)
    if words.isascii() and words.isprintable():
        return words
    return _STACK.sub(lambda found: f"{found[1]}[+{len(found[2])} accents]", text.show_unprintable(words))


def tame(document: Document) -> Document:
    """Return the document with every text tamed; drawings are made of texts that were."""
    drawings = {chart.svg for chart in _list_charts(document)}
    return text.map_texts(document, lambda words: words if words in drawings else tame_text(words))


def _list_charts(document: Document) -> list[Chart]:
    blocks = (block for section in document.sections for block in section.blocks)
    return [chart for block in blocks if isinstance(block, Charts) for chart in block.items]


def is_wild(page: str) -> bool:
    """True when a page that was set holds what should have been tamed: quicker to see there than in each text."""
    if max(map(len, page.split("<"))) > MOST_CHARACTERS:
        return True
    rest = page.encode(errors="surrogatepass").translate(None, _PLAIN).decode(errors="surrogatepass")
    return text.show_unprintable(rest) != rest or (_STACK.search(rest) and _STACK.search(page)) is not None
