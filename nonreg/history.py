"""The history of campaigns: an index of the runs' folders, that can be rebuilt from them at any time.

What is kept of a campaign is in `nonreg.history_records`, the database in `nonreg.clients`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from nonreg.clients.history_connection import HistoryUrl, file_url, replace_history
from nonreg.clients.history_database import HistoryStore
from nonreg.errors import NonregError
from nonreg.history_records import (
    CampaignRecord,
    LastStatus,
    PastResult,
    RunRef,
    UnstableScenario,
    digest_report,
)
from nonreg.model import CampaignReport
from nonreg.retention.figures import read_figures
from nonreg.store import PLAN, load_json

__all__ = [
    "HistoryStore",
    "HistoryUrl",
    "LastStatus",
    "PastResult",
    "Rebuilt",
    "RunRef",
    "UnstableScenario",
    "default_url",
    "open_history",
    "rebuild",
]
HISTORY_FILE = "history.sqlite"
URL_VARIABLE = "NONREG_HISTORY_URL"
REPORT = "report.json"


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a rebuild did: campaigns indexed, and one French sentence for each folder that could not be."""

    indexed: int
    broken: tuple[str, ...]


def default_url(runs_dir: Path) -> HistoryUrl:
    """Where the history of a folder of runs is: `NONREG_HISTORY_URL`, otherwise a file in that folder."""
    return os.environ.get(URL_VARIABLE) or file_url(runs_dir.absolute() / HISTORY_FILE)


def open_history(url: HistoryUrl) -> HistoryStore:
    """The history at an SQLAlchemy URL, created when absent; ConfigError when it is something else."""
    store = HistoryStore(url)
    store.prepare()
    return store


def rebuild(
    runs_dir: Path,
    url: HistoryUrl,
    say: Callable[[str], None],
    judge: Callable[[Path], CampaignReport],
) -> Rebuilt:
    """Index every run of a folder again; the new history takes the old one's place when it is complete.

    `judge` gives the report of a folder that has none; `say` hears one sentence for each broken folder.
    """
    scan = FolderScan(runs_dir, say, judge)
    aside = replace_history(url, scan.read_records)
    if aside:
        say(f"L'ancien fichier, illisible, est gardé : {aside}")
    return Rebuilt(len(scan.seen) - len(scan.broken), tuple(scan.broken.values()))


@dataclass(slots=True)
class FolderScan:
    """Reads the runs of a folder; a second reading gives only what was added or changed since the first."""

    runs_dir: Path
    say: Callable[[str], None]
    judge: Callable[[Path], CampaignReport]
    seen: dict[str, tuple[object, ...]] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)
    run_ids: dict[str, str] = field(default_factory=dict)

    def read_records(self) -> Iterator[CampaignRecord]:
        """Records by name of folder; a folder that cannot be read is named and passed over."""
        for run_dir in sorted(path.parent for path in self.runs_dir.glob(f"*/{PLAN}")):
            folder = run_dir.name
            stamp = stamp_folder(run_dir)
            if self.seen.get(folder) == stamp:
                continue
            self.seen[folder] = stamp
            self.broken.pop(folder, None)
            try:
                record = digest_report(self._load_report(run_dir), folder)
                first = self.run_ids.setdefault(record.run_id, folder)
                if first != folder:
                    raise NonregError(f"même passage que {first}")
            except (
                Exception
            ) as error:  # the folder is anybody's: whatever is wrong with it is said, not raised
                words = str(error).strip().rstrip(".") if isinstance(error, NonregError) else repr(error)
                self.broken[folder] = f"Passage non indexé : {folder} ({words})."
                self.say(self.broken[folder])
            else:
                yield record
        for record in read_figures(self.runs_dir):
            # The folder was removed by a purge; one that is there, or was indexed already, says more.
            if record.run_id not in self.run_ids and not (self.runs_dir / record.folder).exists():
                self.run_ids[record.run_id] = record.folder
                self.seen[record.folder] = ()
                yield record

    def _load_report(self, run_dir: Path) -> CampaignReport:
        saved = run_dir / REPORT
        return load_json(CampaignReport, saved) if saved.is_file() else self.judge(run_dir)


def stamp_folder(run_dir: Path) -> tuple[object, ...]:
    """Changes whenever a run's folder gets a file, or its report or events are written."""
    stamps: list[object] = []
    for path in (run_dir, run_dir / REPORT, run_dir / "events.jsonl"):
        try:
            status = path.stat()
        except OSError:
            stamps.append(None)
        else:
            stamps.append((status.st_mtime_ns, status.st_size))
    return tuple(stamps)
