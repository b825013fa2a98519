"""Reading several sources of which any may be missing or broken: it is named, and takes nothing else away."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from nonreg.errors import NonregError
from nonreg.masking import conceal

T = TypeVar("T")


class Sources:
    """What could not be read, in French, as it may be shown."""

    def __init__(self) -> None:
        self.missing: list[str] = []

    def try_reading(self, source: str, read: Callable[[], T]) -> T | None:
        """What a source says, otherwise None, and why it does not."""
        try:
            return read()
        except NonregError as error:
            self.missing.append(f"{source} ({conceal(str(error)).rstrip('.')})")
            return None
