"""What is still to be filled in of a draft, in the words of its fields. Pure."""

from __future__ import annotations

import dataclasses
from typing import Any

from nonreg.model.documents import Draft, Stamp


def list_blanks(draft: Draft) -> tuple[str, ...]:
    """Labels of the empty fields that are not optional, in the order of the draft."""
    return tuple(_list(draft, ""))


def _list(value: Any, where: str) -> list[str]:
    found = []
    for one in dataclasses.fields(value):
        own, label = getattr(value, one.name), str(one.metadata.get("label", ""))
        name = f"{where}, {label[:1].lower()}{label[1:]}" if where else label
        if dataclasses.is_dataclass(own):
            found += _list(own, name if label else where)
        elif isinstance(own, tuple) and own and dataclasses.is_dataclass(own[0]):
            for number, row in enumerate(own, 1):
                found += _list(row, f"{label} n° {number}")
        elif not one.metadata.get("optional") and is_blank(own):
            found.append(where if isinstance(value, Stamp) else name)
    return found


def is_blank(value: Any) -> bool:
    """True for an empty text, an empty list, and a list of empty texts."""
    if isinstance(value, str):
        return not value.strip()
    return isinstance(value, tuple) and not any(str(one).strip() for one in value)
