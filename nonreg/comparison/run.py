"""Compare a table, and look again at what differs: on a replica, lag looks like a difference."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from nonreg.comparison.compare import Comparison, Options, compare_once
from nonreg.comparison.differences import keep_persistent
from nonreg.comparison.progress import Progress
from nonreg.comparison.side import Place
from nonreg.comparison.table import parse_name

__all__ = ["Comparison", "Options", "Place", "compare_table"]


def compare_table(
    left: Place,
    right: Place,
    table: str,
    options: Options = Options(),  # noqa: B008 - frozen
    tell: Callable[[Progress], None] = lambda _progress: None,
    settle: Callable[[], object] | None = None,
) -> Comparison:
    """Compare `schema.table` on two sites, which may be of two platforms.

    With `settle`, called when something differs (wait for a replica, or a delay), only what differs in a second look
    too counts. PlatformError, in one sentence, when it could not be done: then nothing is known.
    """
    name = parse_name(table)
    sides = [(place, name_place(place, left, right)) for place in (left, right)]
    first = compare_once(sides[0], sides[1], name, options, tell)
    if first.is_equal or settle is None:
        return first
    settle()
    second = compare_once(sides[0], sides[1], name, replace(options, journal=None), tell)
    kept = second.differences
    if not (first.more or second.more):  # a row that was not named may be any of the other look
        kept = keep_persistent(first.differences, second.differences)
    return replace(second, differences=kept, seconds=first.seconds + second.seconds)


def name_place(place: Place, *others: Place) -> str:
    """Its site, with its platform where there are two."""
    platforms = {one.platform.name for one in others}
    return place.site.code if len(platforms) == 1 else f"{place.site.code} ({place.platform.name})"
