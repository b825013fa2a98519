"""Words, dates and numbers as a French reader expects them, from values that may be hostile.

Everything here is pure. `make_printable` is applied once to the whole report, before any rendering.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cache
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

PARIS = ZoneInfo("Europe/Paris")
NOT_KNOWN = "n.d."
TIME_UNITS = ("s", "ms", "min", "h")

# Controls, lone surrogates, non-characters, and the marks that reorder what is read: none may
# reach XML (illegal), a font (no glyph) or an eye (misleading). Newline and tab are kept.
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\ud800-\udfff\ufdd0-\ufdef\ufff9-\ufffb\ufffe\uffff]"
    "|[\U0001fffe\U0001ffff\U000e0000-\U0010ffff]"
)
# What JSON writes with a backslash: of these, only the quote, the newline, the tab and the backslash may stay.
_ESCAPE = re.compile(r"\\(?:([rbfu])|.)")
_PLAIN = bytes(range(0x20, 0x7F)) + b"\n"
_T = TypeVar("_T")


def show_unprintable(text: str) -> str:
    """Return `text` with each unprintable character shown by its number, e.g. `[U+0000]`."""
    if text.isascii() and text.isprintable():
        return text
    normal = text.replace("\r\n", "\n")
    return _UNPRINTABLE.sub(lambda found: f"[U+{ord(found[0]):04X}]", normal)


def is_printable(source: str) -> bool:
    """True when a report, written as the JSON `source`, holds nothing to be shown otherwise.

    A look at one text is a hundred times quicker than a walk through a large report.
    """
    rest = source.encode().translate(None, _PLAIN).decode()
    if "\ufffd" in rest or _UNPRINTABLE.search(rest):  # U+FFFD may stand for a lone surrogate
        return False
    return not any(found[1] for found in _ESCAPE.finditer(source))


def make_printable(value: _T) -> _T:
    """Return a copy of a frozen value where every text, at any depth, is printable."""
    return map_texts(value, show_unprintable)


def map_texts(value: _T, change: Callable[[str], str]) -> _T:
    """Return a copy of a frozen value where every text, at any depth, was changed so."""
    return _map_texts(value, change)  # type: ignore[no-any-return]


def _map_texts(value: Any, change: Callable[[str], str]) -> Any:
    """Return the very value where there is nothing to change in it."""
    kind = type(value)
    if kind is str:
        return change(value)
    if kind is tuple:
        items = [_map_texts(item, change) for item in value]
        changed = any(new is not old for new, old in zip(items, value, strict=True))
        return tuple(items) if changed else value
    changes = {}
    for name in _list_fields(kind):  # type: ignore[arg-type]  # a class is hashable
        old = getattr(value, name)
        new = _map_texts(old, change)
        if new is not old:
            changes[name] = new
    return dataclasses.replace(value, **changes) if changes else value


@cache
def _list_fields(kind: type) -> tuple[str, ...]:
    """Return the fields of a dataclass; none for numbers, moments and enumerations, which stay as they are."""
    return tuple(f.name for f in dataclasses.fields(kind) if f.init) if dataclasses.is_dataclass(kind) else ()


def shorten(text: str, limit: int, rest: str = "texte complet dans la source JSON") -> str:
    """Return at most `limit` characters of `text`, saying how many are left out and where they are."""
    if len(text) <= limit:
        return text
    return f"{text[:limit].rstrip()}… [{format_number(len(text) - limit)} caractères de plus, {rest}]"


def plural(count: int, one: str, many: str) -> str:
    """Return the count with its noun; in French 0 and 1 are singular."""
    return f"{format_number(count)} {one if abs(count) < 2 else many}"


def known(text: str) -> str:
    """Return `text`, or n.d. where there is none: missing is never shown as 0 or nothing."""
    return text if text.strip() else NOT_KNOWN


def go_on(sentence: str) -> str:
    """Return a sentence as it is said inside another one: without its full stop, nor its capital."""
    words = sentence.strip().rstrip(".")
    is_word = words[1:2].islower() or words[1:2] in (" ", "'", "’")
    return words[:1].lower() + words[1:] if is_word else words


def format_moment(moment: datetime) -> str:
    """Return a date and time of Paris with its offset, so that the hour lived twice in October is clear."""
    if moment.utcoffset() is None:
        raise ValueError("a report only takes aware datetimes")
    local = moment.astimezone(PARIS)
    offset = local.utcoffset()
    hours = int(offset.total_seconds() // 3600) if offset else 0
    return f"{local:%d/%m/%Y à %H:%M:%S} (Paris,\u00a0UTC{hours:+d})"


def format_day(moment: datetime) -> str:
    """Return the day and hour of Paris, where a column has no room for more."""
    return f"{moment.astimezone(PARIS):%d/%m/%Y %H:%M}"


def format_duration(seconds: float) -> str:
    """Return hh:mm:ss; hours are not folded into days."""
    if not math.isfinite(seconds):
        return NOT_KNOWN
    total = max(0, round(seconds))
    return f"{total // 3600:02d}:{total % 3600 // 60:02d}:{total % 60:02d}"


def format_elapsed(seconds: float) -> str:
    """Return the time taken by one check: decimals under a minute, hh:mm:ss from there on."""
    if not math.isfinite(seconds):
        return NOT_KNOWN
    if seconds < 59.995:
        return f"{max(0.0, seconds):.2f}".replace(".", ",") + "\u00a0s"
    return format_duration(seconds)


def format_number(value: float) -> str:
    """Return a number in French: decimal comma, thin no-break space between thousands."""
    if math.isnan(value):
        return NOT_KNOWN
    if math.isinf(value):
        return "infini" if value > 0 else "−infini"
    if abs(value) >= 1e15 or (value != 0 and abs(value) < 1e-3):
        text = f"{value:.4g}"
    elif value == int(value):
        text = f"{int(value):,}"
    else:
        text = f"{value:,.{3 if abs(value) >= 1 else 6}f}".rstrip("0").rstrip(".")
    return text.replace(",", "\u202f").replace(".", ",").replace("-", "−")


def format_quantity(value: float, unit: str) -> str:
    """Return a number and its unit, kept on one line; three digits are enough of a short time."""
    if unit in TIME_UNITS and abs(value) < 1:
        value = float(f"{value:.3g}")
    return f"{format_number(value)}\u00a0{unit}" if unit else format_number(value)


def name_ids(ids: Sequence[str], limit: int, where: str) -> str:
    """Return the first `limit` ids separated by commas, and how many more there are and where."""
    shown = ", ".join(ids[:limit])
    left = len(ids) - limit
    return f"{shown} … et {plural(left, 'autre', 'autres')}, {where}" if left > 0 else shown


def join_words(words: tuple[str, ...] | list[str]) -> str:
    """Return the words separated by commas, or n.d. when there is none."""
    return known(", ".join(word for word in words if word))
