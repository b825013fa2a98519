"""What was read of the platform after a failure, as it lies in the run's folder.

trouble/logs/<host>/<name>.log   lines since the run's mark, masked, without those about our own SSH commands
trouble/horloges.json            host → its site, and by how many seconds its clock was ahead of ours
trouble/new_signatures.json      log → signatures of errors that the reference does not accept
trouble/modules.diff             procedures, functions and views that differ from the reference
trouble/configuration.json       configuration files that differ from the reference
trouble/manquant.txt             what could not be read, or was left out
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from nonreg.probes.logs import SERVER_LINE, SERVICE_LINE, LogEntry, make_signature

FOLDER, LOGS = "trouble", "logs"
SIGNATURES, MODULES_DIFF = "new_signatures.json", "modules.diff"
CONFIGURATION, MISSING, CLOCKS = "configuration.json", "manquant.txt", "horloges.json"


@dataclass(frozen=True, slots=True)
class LogLine:
    """One entry of a log with the lines that belong to it, as they were written; `at` is UTC by the host's clock."""

    at: datetime
    level: str
    message: str
    lines: tuple[str, ...]

    @property
    def signature(self) -> str:
        """What does not change from day to day."""
        return make_signature(LogEntry(self.at, self.level, self.message))


@dataclass(frozen=True, slots=True)
class HostClock:
    """A host, its site, and by how many seconds it was ahead of us; None when it could not be asked."""

    host: str
    site: str
    ahead_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Captured:
    """All of a capture; `logs` by `host/name`, `configuration` as (host, file, change); empty when none was made."""

    logs: tuple[tuple[str, tuple[LogLine, ...]], ...] = ()
    new_signatures: frozenset[tuple[str, str]] = frozenset()
    modules_diff: str = ""
    configuration: tuple[tuple[str, str, str], ...] = ()
    missing: tuple[str, ...] = ()
    clocks: tuple[HostClock, ...] = ()


def parse_log(text: str) -> tuple[LogLine, ...]:
    """Entries of a log with their own text; lines before the first dated one are dropped."""
    found: list[tuple[datetime, str, str, list[str]]] = []
    for line in text.split("\n"):  # not splitlines: odd characters inside a message end no line
        match = SERVICE_LINE.fullmatch(line) or SERVER_LINE.fullmatch(line)
        at = read_instant(match[1]) if match is not None else None
        if match is not None and at is not None:
            found.append((at, match[2], match[3], [line]))
        elif found and line:
            found[-1][3].append(line)
    return tuple(LogLine(at, level, message, tuple(lines)) for at, level, message, lines in found)


def read_instant(text: str) -> datetime | None:
    """A log's date in UTC; None when it is no date of any calendar."""
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        return None


def read_captured(run_dir: Path) -> Captured:
    """The capture of a run, from its folder; what is absent or damaged is empty."""
    folder = run_dir / FOLDER
    if not folder.is_dir():
        return Captured()
    logs = tuple(
        (path.relative_to(folder / LOGS).as_posix(), parse_log(read_text(path)))
        for path in sorted((folder / LOGS).glob("*/*"))
        if path.is_file()
    )
    signatures, configuration = read_json(folder / SIGNATURES), read_json(folder / CONFIGURATION)
    return Captured(
        logs=logs,
        new_signatures=frozenset(
            (str(source), str(one))
            for source, found in (signatures.items() if isinstance(signatures, dict) else ())
            for one in found
        ),
        modules_diff=read_text(folder / MODULES_DIFF),
        configuration=tuple(
            (str(row[0]), str(row[1]), str(row[2]))
            for row in (configuration if isinstance(configuration, list) else ())
        ),
        missing=tuple(read_text(folder / MISSING).splitlines()),
        clocks=tuple(read_clocks(read_json(folder / CLOCKS))),
    )


def read_clocks(found: object) -> Iterator[HostClock]:
    """The clocks of a capture; a damaged one is unknown."""
    for host, clock in found.items() if isinstance(found, dict) else ():
        if isinstance(clock, dict):
            ahead = clock.get("ahead_seconds")
            known = float(ahead) if isinstance(ahead, int | float) and math.isfinite(ahead) else None
            yield HostClock(str(host), str(clock.get("site", "")), known)


def read_text(path: Path) -> str:
    """A text file, empty when there is none."""
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def read_json(path: Path) -> object:
    """A JSON file, None when there is none or it is damaged."""
    try:
        found: object = json.loads(read_text(path) or "null")
    except ValueError:
        return None
    return found
