"""What of a capture is shown with one failure: log lines around it, new errors, the beginning of the diff; pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta

from nonreg.captured import Captured, LogLine
from nonreg.model import Family, LogExcerpt, ScenarioResult
from nonreg.probes.logs import TROUBLE

AROUND = timedelta(seconds=5)
TROUBLED_LINES, QUIET_LINES, LINE_CHARS = 20, 5, 500
DIFF_LINES = 200
DATABASE_LOG = "postgresql.log"
# Error lines that tell of a link or a disk, not of the application's code.
OUTSIDE = re.compile(
    r"connexion (?:refusée|perdue|coupée)|injoignable|could not (?:connect|receive|send)|connection|timed? ?out|"
    r"no space|unreachable|terminating|logical replication",
    re.IGNORECASE,
)


def find_around(lines: tuple[LogLine, ...], attempts: list[ScenarioResult]) -> tuple[LogLine, ...]:
    """Entries from a little before to a little after each attempt."""
    windows = [
        (one.started_at - AROUND, one.started_at + timedelta(seconds=one.duration_seconds) + AROUND)
        for one in attempts
        if one.started_at is not None
    ]
    return tuple(line for line in lines if any(start <= line.at <= end for start, end in windows))


def find_new_errors(
    around: Mapping[str, tuple[LogLine, ...]], captured: Captured, family: Family
) -> tuple[str, ...]:
    """Error lines around the failure that the reference does not know and that speak of the application."""
    shown: dict[tuple[str, str], str] = {}
    for source, lines in around.items():
        if family is Family.BASE and not source.endswith(DATABASE_LOG):
            continue
        for line in lines:
            if is_new(source, line, captured.new_signatures) and not OUTSIDE.search(line.message):
                shown.setdefault(
                    (source, line.signature), f"{source} : {line.level} {cut_line(line.message)}"
                )
    return tuple(shown.values())


def make_excerpts(
    around: Mapping[str, tuple[LogLine, ...]], new_signatures: frozenset[tuple[str, str]]
) -> tuple[LogExcerpt, ...]:
    """The lines around a failure, logs with new errors first; a quiet log only shows its last lines.

    An error that the reference accepts is a scenario's own doing: it is shown like any other line.
    """
    marked = {
        source: [(is_new(source, entry, new_signatures), line) for entry in entries for line in entry.lines]
        for source, entries in around.items()
        if entries
    }
    troubled = {source: any(new for new, _ in lines) for source, lines in marked.items()}
    ordered = sorted(marked, key=lambda source: (not troubled[source], source))
    return tuple(make_excerpt(source, marked[source], troubled[source]) for source in ordered)


def is_new(source: str, entry: LogLine, new_signatures: frozenset[tuple[str, str]]) -> bool:
    """True for a warning or worse that the reference does not know."""
    return entry.level in TROUBLE and (source, entry.signature) in new_signatures


def make_excerpt(source: str, lines: list[tuple[bool, str]], troubled: bool) -> LogExcerpt:
    """New errors first when not everything can be shown, then the latest lines; in their order."""
    room = TROUBLED_LINES if troubled else QUIET_LINES
    ranked = sorted(range(len(lines)), key=lambda place: (not lines[place][0], -place))
    kept = sorted(ranked[:room])
    shown = tuple(cut_line(lines[place][1]) for place in kept)
    return LogExcerpt(source, shown, len(lines) - len(kept))


def cut_line(line: str) -> str:
    """A log line of bearable length."""
    return line if len(line) <= LINE_CHARS else line[:LINE_CHARS] + "…"


def cut_diff(diff: str) -> str:
    """The beginning of a long diff; the whole is in the run's folder."""
    lines = diff.splitlines()
    if len(lines) <= DIFF_LINES:
        return diff
    more = len(lines) - DIFF_LINES
    return "\n".join((*lines[:DIFF_LINES], f"… {more} ligne(s) de plus dans trouble/modules.diff")) + "\n"
