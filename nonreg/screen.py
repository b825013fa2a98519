"""What is printed, made safe for the terminal that shows it, whoever wrote it: a platform, a tracker, a person.

A control character moves the cursor, hides or rewrites lines, sets a title; a mark of direction reorders what is read;
half of a surrogate pair stops the command that prints it. Each is shown by its number, e.g. `[U+001B]`.
"""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any, TextIO

KEPT = frozenset("\n\t")
HIDDEN = frozenset(("Cc", "Cf", "Cs", "Zl", "Zp"))


def show(text: str) -> str:
    """The text as a terminal may be given it."""
    if text.isprintable():
        return text
    return "".join(f"[U+{ord(one):04X}]" if _is_hidden(one) else one for one in text.replace("\r\n", "\n"))


def _is_hidden(char: str) -> bool:
    return char not in KEPT and unicodedata.category(char) in HIDDEN


class GuardedStream:
    """Standard output or error, through which nothing but text goes."""

    def __init__(self, stream: TextIO) -> None:
        self.unguarded = stream

    def write(self, text: str) -> int:
        """Write what may be shown; the length of what was given."""
        self.unguarded.write(show(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write each."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.unguarded, name)


@contextmanager
def guarded() -> Iterator[None]:
    """Inside the block, what is printed is shown; programs that are started print as they do."""
    out: Any = GuardedStream(sys.stdout)
    error: Any = GuardedStream(sys.stderr)
    with redirect_stdout(out), redirect_stderr(error):
        yield


def ask(prompt: str) -> str:
    """The answer of whoever is at the terminal: `input` writes its prompt there itself, past the guarded stream."""
    return input(show(prompt))


def ask_secret(prompt: str) -> str:
    """The same for what is not shown while it is typed."""
    import getpass

    return getpass.getpass(show(prompt))


def unguarded(stream: TextIO) -> TextIO:
    """The stream itself, for what draws: colours are control characters too, and its texts are shown first."""
    found: TextIO = getattr(stream, "unguarded", stream)
    return found
