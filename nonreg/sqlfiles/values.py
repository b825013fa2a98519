"""Values of a result, and texts of a golden file read as values of the same kind, so that `1.50` is `1.5`."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?")
NOT_FINITE = {
    "nan": "NaN",
    "inf": "Infinity",
    "infinity": "Infinity",
    "-inf": "-Infinity",
    "-infinity": "-Infinity",
}
# A `uniqueidentifier` comes as a text, in these letters; a text of the application in others stays one.
SERVER_UUID = re.compile(r"[0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12}")
YES, NO = ("1", "true", "vrai", "oui"), ("0", "false", "faux", "non")


def show_value(value: Any) -> str | None:
    """A value as a golden file writes it; None for NULL."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, float) or (isinstance(value, Decimal) and not value.is_finite()):
        return NOT_FINITE.get(str(value).lower(), str(value))
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, bytes | bytearray | memoryview):
        return "0x" + bytes(value).hex().upper()
    return str(value)


def normalize(value: Any) -> Any:
    """A value that can be compared and hashed: numbers are Decimal, bytes are bytes, anything unknown is its text."""
    if value is None or isinstance(value, bool | datetime | date | time | UUID | str):
        return value
    if isinstance(value, int | float | Decimal):
        number = Decimal(str(value))
        return number if number.is_finite() else NOT_FINITE.get(str(number).lower(), str(number))
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    return str(value)


def read_uuids(values: Sequence[Any]) -> list[Any]:
    """The values of a column, as UUIDs when all of them are written as SQL Server writes those."""
    texts = [value for value in values if value is not None]
    if not texts or not all(isinstance(one, str) and SERVER_UUID.fullmatch(one) for one in texts):
        return list(values)
    return [None if value is None else UUID(value) for value in values]


def choose_reader(values: Sequence[Any]) -> Callable[[str], Any] | None:
    """How to read the texts that stand for values like these; None when their kinds differ, so that all are texts."""
    kinds = {type(value) for value in values if value is not None and value not in NOT_FINITE.values()}
    if len(kinds) > 1:
        return None
    return READERS.get(next(iter(kinds), str), str)


def read_number(text: str) -> Any:
    """A number, else the text, which equals no number."""
    if NUMBER.fullmatch(text.strip()):
        return Decimal(text.strip())
    return NOT_FINITE.get(text.strip().lower(), text)


def read_yes(text: str) -> Any:
    """A bit, written `1` and `0`, or a word for it."""
    word = text.strip().lower()
    return True if word in YES else False if word in NO else text


def read_with(parse: Callable[[str], Any]) -> Callable[[str], Any]:
    """What `parse` makes of a text, else the text."""

    def read(text: str) -> Any:
        try:
            return parse(text.strip())
        except ValueError:
            return text

    return read


READERS: dict[type, Callable[[str], Any]] = {
    Decimal: read_number,
    bool: read_yes,
    datetime: read_with(datetime.fromisoformat),
    date: read_with(date.fromisoformat),
    time: read_with(time.fromisoformat),
    UUID: read_with(UUID),
    bytes: read_with(lambda text: bytes.fromhex(text.removeprefix("0x"))),
}
