"""Words, dates and numbers as a French reader expects them, from values that may be hostile.

Everything here is pure. `make_printable` is applied once to the whole report, before any rendering.
"""

from __future__ import annotations

import dataclasses
import math
import re
from datetime import datetime
from enum import Enum
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

PARIS = ZoneInfo("Europe/Paris")
NOT_KNOWN = "n.d."

# Controls, lone surrogates, non-characters, and the marks that reorder what is read: none may
# reach XML (illegal), a font (no glyph) or an eye (misleading). Newline and tab are kept.
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\ud800-\udfff\ufdd0-\ufdef\ufff9-\ufffb\ufffe\uffff]"
    "|[\U0001fffe\U0001ffff\U000e0000-\U0010ffff]"
)
_T = TypeVar("_T")


def show_unprintable(text: str) -> str:
    """Return `text` with each unprintable character shown by its number, e.g. `[U+0000]`."""
    normal = text.replace("\r\n", "\n")
    return _UNPRINTABLE.sub(lambda found: f"[U+{ord(found[0]):04X}]", normal)


def make_printable(value: _T) -> _T:
    """Return a copy of a frozen value where every text, at any depth, is printable."""
    return _map_texts(value)  # type: ignore[no-any-return]


def _map_texts(value: Any) -> Any:
    if isinstance(value, Enum):  # a StrEnum is a str too, and must stay what it is
        return value
    if isinstance(value, str):
        return show_unprintable(value)
    if isinstance(value, tuple):
        return tuple(_map_texts(item) for item in value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        changes = {f.name: _map_texts(getattr(value, f.name)) for f in dataclasses.fields(value) if f.init}
        return dataclasses.replace(value, **changes)
    return value


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


def format_moment(moment: datetime) -> str:
    """Return a date and time of Paris with its offset, so that the hour lived twice in October is clear."""
    if moment.utcoffset() is None:
        raise ValueError("a report only takes aware datetimes")
    local = moment.astimezone(PARIS)
    offset = local.utcoffset()
    hours = int(offset.total_seconds() // 3600) if offset else 0
    return f"{local:%d/%m/%Y à %H:%M:%S} (Paris,\u00a0UTC{hours:+d})"


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
    """Return a number and its unit, kept on one line."""
    return f"{format_number(value)}\u00a0{unit}" if unit else format_number(value)


def join_words(words: tuple[str, ...] | list[str]) -> str:
    """Return the words separated by commas, or n.d. when there is none."""
    return known(", ".join(word for word in words if word))
