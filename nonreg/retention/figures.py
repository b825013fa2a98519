"""The figures of removed runs: what the history keeps of a campaign holds no person, and outlives its folder."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from nonreg.errors import NonregError
from nonreg.history_records import CampaignRecord, digest_report
from nonreg.model import CampaignReport
from nonreg.model.retention import Item, ItemKind
from nonreg.store import load_json, make_adapter

PURGES, FIGURES, REPORT = "purges", "chiffres.jsonl", "report.json"


def write_figures(items: Iterable[Item], runs_dir: Path) -> bytes:
    """One line for each run that has a report."""
    lines = []
    for one in items:
        if one.kind is ItemKind.RUN and (runs_dir / one.place / REPORT).is_file():
            try:
                report = load_json(CampaignReport, runs_dir / one.place / REPORT)
            except NonregError:
                continue  # of another version of the tool: the history could not index it either
            lines.append(make_adapter(CampaignRecord).dump_json(digest_report(report, one.place)) + b"\n")
    return b"".join(lines)


def read_figures(runs_dir: Path) -> Iterator[CampaignRecord]:
    """The figures of every purge, in order; a line that cannot be read is passed over."""
    for file in sorted(runs_dir.glob(f"{PURGES}/*/{FIGURES}")):
        for line in file.read_bytes().splitlines():
            try:
                yield make_adapter(CampaignRecord).validate_json(line)
            except ValueError:
                continue
