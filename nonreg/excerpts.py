"""What of a capture is shown with one failure: log lines around it, new errors, the beginning of the diff; pure.

Hosts write their own time: instants are corrected by what each clock was ahead of ours, as measured when the logs
were read, or else when the run began. Every log is put in order once, then looked up by bisection.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from nonreg import environment as env
from nonreg.captured import Captured, LogLine
from nonreg.differences import read_number
from nonreg.model import Fact, Family, LogExcerpt, ScenarioResult
from nonreg.probes.logs import TROUBLE
from nonreg.wording import decimal, plural

AROUND = timedelta(seconds=5)
TROUBLED_LINES, QUIET_LINES, LINE_CHARS = 20, 5, 500
DIFF_LINES = 200
TOLD_OFFSET_SECONDS = 1.0
LONGEST_OFFSET_SECONDS = 1e8  # three years: beyond that a clock is not late, it is wrong
DATABASE_LOG = "postgresql.log"
# Error lines that tell of a link or a disk, not of the application's code.
OUTSIDE = re.compile(
    r"connexion (?:refusée|perdue|coupée)|injoignable|could not (?:connect|receive|send)|connection|timed? ?out|"
    r"no space|unreachable|terminating|logical replication",
    re.IGNORECASE,
)
Window = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class IndexedLog:
    """Entries of one log in the order of `instants`, which are by our clock.

    `new` tells the entries of which the reference knows nothing; `errors` are those of them that speak of the
    application, as (signature, sentence), at `error_instants`.
    """

    source: str
    entries: tuple[LogLine, ...]
    instants: tuple[datetime, ...]
    new: tuple[bool, ...]
    errors: tuple[tuple[str, str], ...]
    error_instants: tuple[datetime, ...]

    def find(self, windows: Iterable[Window]) -> list[int]:
        """Places of the entries inside one window or more."""
        places: set[int] = set()
        for start, end in windows:
            places.update(range(bisect_left(self.instants, start), bisect_right(self.instants, end)))
        return sorted(places)


def measure_offsets(captured: Captured, facts: Iterable[Fact]) -> dict[str, float | None]:
    """By how many seconds each host was ahead of us; None when nobody knows."""
    at_start = {fact.subject: read_number(fact.value) for fact in facts if fact.name == env.CLOCK_OFFSET}
    offsets: dict[str, float | None] = {host_of(source): None for source, _ in captured.logs}
    for clock in captured.clocks:
        ahead = clock.ahead_seconds if clock.ahead_seconds is not None else at_start.get(clock.site)
        known = ahead is not None and abs(ahead) <= LONGEST_OFFSET_SECONDS
        offsets[clock.host] = ahead if known else None
    return offsets


def host_of(source: str) -> str:
    """The host of a log."""
    return source.partition("/")[0]


def index_logs(
    captured: Captured, offsets: Mapping[str, float | None], until: datetime | None
) -> tuple[IndexedLog, ...]:
    """Every log in order; what came after the run is left out."""
    logs = []
    for source, lines in captured.logs:
        offset = timedelta(seconds=offsets.get(host_of(source)) or 0.0)
        dated = sorted(((correct(line.at, offset), line) for line in lines), key=lambda one: one[0])
        logs.append(
            index_log(
                source, [one for one in dated if until is None or one[0] <= until], captured.new_signatures
            )
        )
    return tuple(logs)


def correct(at: datetime, offset: timedelta) -> datetime:
    """A host's instant by our clock; a date at the end of the calendar stays."""
    try:
        return at - offset
    except OverflowError:
        return at


def index_log(
    source: str, dated: list[tuple[datetime, LogLine]], new_signatures: frozenset[tuple[str, str]]
) -> IndexedLog:
    """One log, already in order."""
    new = tuple(is_new(source, line, new_signatures) for _, line in dated)
    errors = [
        (at, (line.signature, f"{source} : {line.level} {cut_line(line.message)}"))
        for (at, line), fresh in zip(dated, new, strict=True)
        if fresh and not OUTSIDE.search(line.message)
    ]
    return IndexedLog(
        source,
        tuple(line for _, line in dated),
        tuple(at for at, _ in dated),
        new,
        tuple(error for _, error in errors),
        tuple(at for at, _ in errors),
    )


def make_windows(attempts: Iterable[ScenarioResult]) -> tuple[Window, ...]:
    """From a little before to a little after each attempt."""
    return tuple(
        (one.started_at - AROUND, one.started_at + timedelta(seconds=one.duration_seconds) + AROUND)
        for one in attempts
        if one.started_at is not None
    )


def find_new_errors(
    logs: Iterable[IndexedLog], windows: Iterable[Window], family: Family, limit: int | None = None
) -> tuple[str, ...]:
    """Error lines around the failure that the reference does not know and that speak of the application.

    With a `limit` only so many lines of each window and log are looked at.
    """
    shown: dict[tuple[str, str], str] = {}
    for log in logs:
        if not log.errors or (family is Family.BASE and not log.source.endswith(DATABASE_LOG)):
            continue
        for start, end in windows:
            first, after = bisect_left(log.error_instants, start), bisect_right(log.error_instants, end)
            for signature, sentence in log.errors[
                first : after if limit is None else min(after, first + limit)
            ]:
                shown.setdefault((log.source, signature), sentence)
    return tuple(shown.values())


def make_excerpts(logs: Iterable[IndexedLog], windows: tuple[Window, ...]) -> tuple[LogExcerpt, ...]:
    """The lines around a failure, logs with new errors first; a quiet log only shows its last lines.

    An error that the reference accepts is a scenario's own doing: it is shown like any other line.
    """
    marked: dict[str, list[tuple[bool, str]]] = {}
    for log in logs:
        lines = [(log.new[place], line) for place in log.find(windows) for line in log.entries[place].lines]
        if lines:
            marked[log.source] = lines
    troubled = {source: any(new for new, _ in lines) for source, lines in marked.items()}
    ordered = sorted(marked, key=lambda source: (not troubled[source], source))
    return tuple(make_excerpt(source, marked[source], troubled[source]) for source in ordered)


def describe_clocks(
    logs: Iterable[IndexedLog],
    excerpts: Iterable[LogExcerpt],
    windows: tuple[Window, ...],
    offsets: Mapping[str, float | None],
) -> tuple[str, ...]:
    """Sentences on hosts whose lines show another time than ours, or may be missing for that reason."""
    if not windows:
        return ()
    shown = {host_of(one.source) for one in excerpts}
    said = []
    for host in dict.fromkeys(host_of(log.source) for log in logs):
        offset = offsets.get(host)
        if offset is None and host not in shown:
            said.append(
                f"{host} : aucune ligne de journal autour de l'échec, et l'écart d'horloge de cet hôte est inconnu."
            )
        elif offset is not None and host in shown and abs(offset) >= TOLD_OFFSET_SECONDS:
            sense = "en avance" if offset > 0 else "en retard"
            said.append(f"{host} : horloge {sense} de {decimal(abs(offset))} s, journaux recalés d'autant.")
    return tuple(said)


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
    lines = [cut_line(line) for line in diff.splitlines()]
    if len(lines) > DIFF_LINES:
        more = plural(len(lines) - DIFF_LINES, "ligne", "lignes")
        lines = [*lines[:DIFF_LINES], f"… {more} de plus dans trouble/modules.diff"]
    return "".join(f"{line}\n" for line in lines)
