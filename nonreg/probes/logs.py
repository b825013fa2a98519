"""Logs of an application's host: entries read, errors reduced to signatures that do not change from day to day."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

# Of the services, `2026-11-23T14:05:00.123Z NIVEAU message`; of the database server, `… UTC [pid] LEVEL:  message`.
SERVICE_LINE = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3})Z (\w+) (.*)", re.ASCII | re.DOTALL)
SERVER_LINE = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}) UTC \[\d+\] ([A-Z]+):  (.*)", re.DOTALL)
TROUBLE = ("AVERTISSEMENT", "ERREUR", "CRITIQUE", "WARNING", "ERROR", "FATAL", "PANIC")

# Applied in this order: what is inside another comes after it.
NORMALISED = (
    (re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE), "<guid>"),
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d(:?\d\d)?)?"), "<date>"),
    # A French apostrophe between two letters opens no quotation.
    (re.compile(r"(?<!\w)'[^']*'(?!\w)|\"[^\"]*\"|«[^»]*»"), "<texte>"),
    (re.compile(r"\bnr_\w+"), "<essai>"),
    (re.compile(r"\b[\w.-]+\.(csv|xml|ordre|7z|jpg)\b"), "<fichier>"),
    (re.compile(r"\b[A-Z]\d{9}\b"), "<station>"),
    (re.compile(r"\b\d{1,3}(\.\d{1,3}){3}(:\d+)?\b"), "<adresse>"),
    (re.compile(r"\b0x[0-9a-fA-F]+\b"), "<n>"),
    (re.compile(r"\d+([.,]\d+)*"), "<n>"),
    (re.compile(r"\s+"), " "),
)


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One line of a log; `at` is UTC."""

    at: datetime
    level: str
    message: str


def parse_entries(text: str) -> tuple[LogEntry, ...]:
    """Entries in order; a line that begins none (the rest of a statement, say) belongs to the one before."""
    entries = []
    for line in text.splitlines():
        match = SERVICE_LINE.fullmatch(line) or SERVER_LINE.fullmatch(line)
        if match is not None:
            entries.append(LogEntry(datetime.fromisoformat(match[1]).replace(tzinfo=UTC), match[2], match[3]))
    return tuple(entries)


def make_signature(entry: LogEntry) -> str:
    """The entry without what varies: times, numbers, identifiers, quoted texts, files and addresses."""
    text = entry.message
    for pattern, replacement in NORMALISED:
        text = pattern.sub(replacement, text)
    return f"{entry.level} {text.strip()}"


def find_trouble(entries: Iterable[LogEntry], since: datetime) -> tuple[LogEntry, ...]:
    """Warnings and worse, from that instant on."""
    return tuple(entry for entry in entries if entry.level in TROUBLE and entry.at >= since)
