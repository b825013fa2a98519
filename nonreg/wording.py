"""Numbers as a French reader expects them, in the sentences that the engine itself writes."""

from __future__ import annotations


def plural(count: int, one: str, many: str) -> str:
    """The count with its noun; in French 0 and 1 are singular."""
    return f"{count} {one if abs(count) < 2 else many}"


def decimal(value: float, digits: int = 1) -> str:
    """The value with a decimal comma; never `-0,0`."""
    return f"{round(value, digits) + 0.0:.{digits}f}".replace(".", ",")
