"""Texts in Markdown as a page shows them: whatever they hold, they are read as they were written.

Comments come from databases and logs. Here nothing of them becomes HTML, a link, a list or a title.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from reports import text

# Of one text where its place says nothing: what is shown is told to a server, which takes no megabytes.
MOST_CHARACTERS = 4_000
MOST_FENCED = 40_000
# Signs that mean something within a line, and those that make one a list, a title, a quotation or a rule. No more than
# these: in Prefect's newer pages the cells of a table are no Markdown, and show each backslash.
_INLINE = re.compile(
    r"[\\`*\[\]<>|~&@]|(?<![0-9A-Za-z])_|_(?![0-9A-Za-z])|(?<=:)/(?=/)|(?<=\bwww)\.", re.IGNORECASE
)
_OPENING = re.compile(r"\A(\d*)([-+#=.)])")
_SPACES = re.compile(r"\s+")


def escape(value: str, limit: int = 0, rest: str = "voir le rapport") -> str:
    """Return the text on one line, cut after `limit` characters, with no sign that means more."""
    line = _SPACES.sub(" ", text.show_unprintable(value)).strip()
    line = text.shorten(line, limit or MOST_CHARACTERS, rest)
    return _OPENING.sub(r"\1\\\2", _INLINE.sub(r"\\\g<0>", line))


def link(words: str, address: str) -> str:
    """Return the words as a link, or alone where there is no address; the address is one that was checked."""
    return f"[{escape(words)}]({address})" if address else escape(words)


def bullets(sentences: Sequence[str], limit: int, rest: str = "voir le rapport") -> list[str]:
    """Return Markdown sentences as a list, at most `limit`, then how many more there are."""
    lines = [f"- {sentence}" for sentence in sentences[:limit]]
    left = len(sentences) - limit
    return [*lines, f"- … et {text.format_number(left)} de plus, {rest}."] if left > 0 else lines


def fence(content: str) -> list[str]:
    """Return a text to be copied, in a block that it cannot close."""
    shown = text.shorten(text.show_unprintable(content), MOST_FENCED, "voir le rapport")
    longest = max((len(run) for run in re.findall("`+", shown)), default=0)
    mark = "`" * max(3, longest + 1)
    return [mark, shown, mark]
