"""French signs stay with their word: no line begins with « : » or « » », none ends with an opening one."""

from __future__ import annotations

import re

_BEFORE = re.compile(r" (?=[:;?!»](?:[\s.,;:)…]|$))")
_AFTER = re.compile(r"(?<=[«§]) |(?<=n°) ")


def keep_signs(words: str) -> str:
    """Return the text with no-break spaces where French wants them; for prose, never for a command."""
    return _AFTER.sub("\u00a0", _BEFORE.sub("\u00a0", words))
