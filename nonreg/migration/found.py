"""What several comparisons found, put together; pure."""

from __future__ import annotations

from collections.abc import Iterable

from nonreg.model.migration import Compared, NotCompared

NAMED = 8


def merge(parts: Iterable[Compared]) -> Compared:
    """All of them as one, in their order; what was not compared for the same reason is told once."""
    every = tuple(parts)
    return Compared(
        tuple(one for part in every for one in part.subjects),
        tuple(one for part in every for one in part.differences),
        group_reasons(one for part in every for one in part.not_compared),
        tuple(one for part in every for one in part.failing),
        tuple(dict.fromkeys(one for part in every for one in part.reserves)),
    )


def group_reasons(found: Iterable[NotCompared]) -> tuple[NotCompared, ...]:
    """One line a reason: a platform that is down is one fact, whatever could not be asked of it."""
    by_reason: dict[str, list[str]] = {}
    for one in found:
        by_reason.setdefault(one.why, []).append(one.what)
    return tuple(NotCompared("; ".join(dict.fromkeys(whats)), why) for why, whats in by_reason.items())
