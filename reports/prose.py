"""The Markdown in which runbooks are written, as blocks: paragraphs, lists, code, bold. Pure, and never refuses a text.

A subset: what is not in it (links, images, HTML) stays as it was typed, and nothing of a text is lost. As one reads
the file, a new line is a new line, and what is not set in ends a list.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from textwrap import dedent

from reports.document import Block, Code, Listing, Prose, Span

_FENCE = re.compile(r"\s*(`{3,})([^`]*)")
_ITEM = re.compile(r"(\s*)(?:[-*•]|(\d{1,4})[.)])\s+(\S.*)")
_HEADING = re.compile(r"#{1,6}\s+(\S.*)")
_INLINE = re.compile(r"(?P<mark>`+)(?P<code>[^`]+)(?P=mark)(?!`)|\*\*(?P<strong>[^*\s](?:[^*]*[^*\s])?)\*\*")


@dataclass(slots=True)
class _Reader:
    """Lines as they come, and the paragraph or the list that is not ended."""

    blocks: list[Block] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    items: list[list[str]] = field(default_factory=list)
    start: int | None = None
    depth: int = 0

    def end(self) -> None:
        """What was being read is a block."""
        if self.words:
            self.blocks.append(Prose(parse_spans("\n".join(self.words))))
        if self.items:
            items = tuple(parse_spans(" ".join(item)) for item in self.items)
            self.blocks.append(Listing(items, self.start, self.depth))
        self.words, self.items = [], []

    def add_item(self, found: re.Match[str]) -> None:
        """One more item, of another list when it is numbered or set in otherwise."""
        number = int(found[2]) if found[2] else None
        depth = min(len(found[1].expandtabs(4)) // 2, 4)
        if not self.items or (number is None) != (self.start is None) or depth != self.depth:
            self.end()
            self.start, self.depth = number, depth
        self.items.append([found[3].strip()])

    def add_line(self, line: str) -> None:
        """One more line of what is being read."""
        (self.items[-1] if self.items else self.words).append(line.strip())


def parse_prose(text: str) -> tuple[Block, ...]:
    """The blocks of a text in Markdown."""
    reader = _Reader()
    lines = iter(dedent(text.expandtabs(4)).splitlines())
    for line in lines:
        if fence := _FENCE.fullmatch(line):
            reader.end()
            reader.blocks.append(Code(fence[2].strip(), _read_code(lines, fence[1])))
        elif not line.strip():
            if not reader.items:  # items may be apart
                reader.end()
        elif found := _ITEM.fullmatch(line):
            reader.add_item(found)
        elif heading := _HEADING.fullmatch(line):
            reader.end()
            reader.blocks.append(Prose((Span(heading[1].strip(), "strong"),)))
        else:
            if reader.items and not line.startswith(" "):
                reader.end()
            reader.add_line(line)
    reader.end()
    return tuple(reader.blocks)


def _read_code(lines: Iterator[str], mark: str) -> str:
    code = []
    for line in lines:
        if line.strip().startswith(mark) and not line.strip().strip("`"):
            break
        code.append(line)
    return dedent("\n".join(code))


def parse_spans(line: str) -> tuple[Span, ...]:
    """A sentence with its code and its bold words."""
    spans, place = [], 0
    for found in _INLINE.finditer(line):
        if found.start() > place:
            spans.append(Span(line[place : found.start()]))
        code = found["code"]
        spans.append(Span(code.strip() or code, "code") if code else Span(found["strong"], "strong"))
        place = found.end()
    if place < len(line) or not spans:
        spans.append(Span(line[place:]))
    return tuple(spans)


def label_prose(label: str, text: str) -> tuple[Block, ...]:
    """A text after its label in bold; nothing when there is no text."""
    blocks = parse_prose(text)
    if not blocks:
        return ()
    first, *others = blocks
    lead = Span(f"{label} : ", "strong")
    if isinstance(first, Prose):
        return (Prose((lead, *first.spans)), *others)
    return (Prose((lead,)), first, *others)
