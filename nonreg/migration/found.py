"""What several comparisons found, put together; pure."""

from __future__ import annotations

from collections.abc import Iterable

from nonreg.model.migration import Compared, ComparedSubject, MigrationSubject, NotCompared


def merge(parts: Iterable[Compared]) -> Compared:
    """All of them as one, in their order; what was not compared for the same reason is told once."""
    every = tuple(parts)
    return Compared(
        add_up(one for part in every for one in part.subjects),
        tuple(one for part in every for one in part.differences),
        group_reasons(one for part in every for one in part.not_compared),
        tuple(one for part in every for one in part.failing),
        tuple(dict.fromkeys(one for part in every for one in part.reserves)),
    )


def add_up(found: Iterable[ComparedSubject]) -> tuple[ComparedSubject, ...]:
    """One count a subject."""
    totals: dict[MigrationSubject, ComparedSubject] = {}
    for one in found:
        known = totals.get(one.subject, ComparedSubject(one.subject, 0, 0))
        totals[one.subject] = ComparedSubject(
            one.subject, known.compared + one.compared, known.same + one.same
        )
    return tuple(totals.values())


def group_reasons(found: Iterable[NotCompared]) -> tuple[NotCompared, ...]:
    """One line a reason: what keeps a campaign from running is one fact, however many scenarios it has."""
    names: dict[tuple[str, str], list[str]] = {}
    for one in found:
        names.setdefault((one.what, one.why), []).extend(one.names)
    return tuple(NotCompared(what, why, tuple(own)) for (what, why), own in names.items())
