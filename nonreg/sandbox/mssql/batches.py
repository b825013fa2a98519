"""Cuts a T-SQL script into the batches that a server takes one by one. Pure.

GO is no T-SQL: clients cut there, on a line that holds nothing else. Inside a string, a quoted name or a comment it is
text like any other.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# What hides text, in the order in which it is looked for. Comments nest, which no regular expression can follow.
OPENING = re.compile(r"--|/\*|'|\"|\[")
CLOSING = {"'": "'", '"': '"', "[": "]"}
COMMENT_EDGE = re.compile(r"/\*|\*/")
LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+\Z")  # not splitlines(), which also cuts inside strings


@dataclass(frozen=True, slots=True)
class SqlBatch:
    """One batch: the script it comes from, its first line there (from 1), its text."""

    script: str
    line: int
    text: str


def split_batches(script: str, text: str) -> tuple[SqlBatch, ...]:
    """The batches of a script, those with nothing but blanks and comments left out.

    ValueError for a string, a name or a comment that does not end.
    """
    lines, shown = LINE.findall(text), LINE.findall(blank_hidden(text))
    separators = [number for number, line in enumerate(lines) if is_separator(shown[number], line)]
    batches: list[SqlBatch] = []
    start = 0
    for end in (*separators, len(lines)):
        first = next((number for number in range(start, end) if lines[number].strip()), end)
        if any(line.strip() for line in shown[first:end]):
            batches.append(SqlBatch(script, first + 1, "".join(lines[first:end]).rstrip() + "\n"))
        start = end + 1
    return tuple(batches)


def is_separator(shown: str, line: str) -> bool:
    """GO alone, in any case, and not as a part of a comment or string."""
    return shown.strip().upper() == "GO" == line.strip().upper()


def blank_hidden(text: str) -> str:
    """The text with strings, quoted names and comments turned into spaces, lines and length kept."""
    kept: list[str] = []
    position = 0
    while (opening := OPENING.search(text, position)) is not None:
        kept.append(text[position : opening.start()])
        position = find_end(text, opening)
        kept.append(re.sub(r"[^\r\n]", " ", text[opening.start() : position]))
    kept.append(text[position:])
    return "".join(kept)


def find_end(text: str, opening: re.Match[str]) -> int:
    """Where what this match opens is over; ValueError when it never is."""
    mark = opening.group()
    if mark == "--":
        end = re.compile(r"[\r\n]|\Z").search(text, opening.end())
        assert end is not None
        return end.start()
    if mark == "/*":
        return find_comment_end(text, opening)
    # A doubled closing mark stands for itself.
    closing = re.compile(f"{re.escape(CLOSING[mark])}(?!{re.escape(CLOSING[mark])})")
    position = opening.end()
    doubled = CLOSING[mark] * 2
    while (found := text.find(CLOSING[mark], position)) != -1:
        if closing.match(text, found):
            return found + 1
        position = found + len(doubled)
    raise unfinished(text, opening)


def find_comment_end(text: str, opening: re.Match[str]) -> int:
    """After the mark that closes as many comments as were opened."""
    depth = 1
    for edge in COMMENT_EDGE.finditer(text, opening.end()):
        depth += 1 if edge.group() == "/*" else -1
        if depth == 0:
            return edge.end()
    raise unfinished(text, opening)


def unfinished(text: str, opening: re.Match[str]) -> ValueError:
    """Where it began, for who has to mend the script."""
    line = len(re.findall(r"\r\n|\r|\n", text[: opening.start()])) + 1
    return ValueError(f"ligne {line} : « {opening.group()} » n'est pas fermé")
