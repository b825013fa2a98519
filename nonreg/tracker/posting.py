"""From the ledger to the tracker: what is new goes into the box, what is in the box goes out.

Called by whatever adds to the ledger (at the end of a flow), by the watch, and by `python -m nonreg tracker`. What was
cut between the ledger and the box is collected by whoever comes next: the ledger is the source, never a memory.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from nonreg import ledger
from nonreg.config import Platform
from nonreg.errors import ConfigError, NonregError
from nonreg.french import describe_os_error
from nonreg.handover.ticket_history import name_executions
from nonreg.ledger import LedgerEntry
from nonreg.links import read_reports_url
from nonreg.masking import Mask, list_secrets
from nonreg.model import CampaignReport
from nonreg.store import hash_file, load_json
from nonreg.tracker.collect import CAMPAIGN, Words, collect_entry, collect_regressions
from nonreg.tracker.connection import open_tracker
from nonreg.tracker.delivery import State
from nonreg.tracker.items import Progress
from nonreg.tracker.outbox import STATE, WAITING, PieceAwaited, Told, TrackerOutbox

PATIENCE = timedelta(minutes=10)  # for the file of an event that whoever wrote the event is about to write
REPORT = "report.json"


def now_utc() -> datetime:
    """The clock of everything that is not a test."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Posted:
    """What one pass did: how many events went into the box, what became of those that were sent, problems in French."""

    collected: int = 0
    told: tuple[Told, ...] = ()
    problems: tuple[str, ...] = ()
    left: int = 0

    def sentences(self) -> tuple[str, ...]:
        """What to log: what is not as it should be, then how much was sent."""
        sent = sum(one.standing.state is State.DELIVERED for one in self.told)
        bad = [f"Suivi : {one}" for one in self.told if one.standing.state is not State.DELIVERED]
        lines = [*(f"Suivi : {one}" for one in self.problems), *bad]
        if sent:
            lines.append(f"Suivi : {sent} note(s) remise(s).")
        if self.left:
            lines.append(f"Suivi : {self.left} note(s) en attente dans la boîte d'envoi.")
        return tuple(lines)


def post(
    platform: Platform,
    runs_dir: Path,
    *,
    platform_file: str = "",
    begun_at: datetime | None = None,
    until: datetime | None = None,
    clock: Callable[[], datetime] = now_utc,
    hurried: bool = False,
) -> Posted:
    """Collect, then deliver until a moment; nothing where the platform names no tracker. Never raises an error of ours.

    `begun_at` is when the caller began: the first time ever, what happened before is left alone.
    """
    if platform.tracker is None:
        return Posted()
    box, problems, collected = TrackerOutbox(runs_dir, platform.name), list[str](), 0
    told: tuple[Told, ...] = ()
    try:
        collected = collect(platform, runs_dir, clock(), platform_file=platform_file, begun_at=begun_at)
    except NonregError as error:
        problems.append(f"des événements n'ont pas pu être mis dans la boîte d'envoi : {error}")
    except OSError as error:
        problems.append(
            f"des événements n'ont pas pu être mis dans la boîte d'envoi : {describe_os_error(error)}."
        )
    except Exception as error:  # a mistake of ours in one event: nothing overtakes it, and it is told
        problems.append(
            f"des événements n'ont pas pu être mis dans la boîte d'envoi : erreur interne ({type(error).__name__})."
        )
    try:
        told = deliver(platform, box, until=until, clock=clock, hurried=hurried)
    except NonregError as error:
        problems.append(f"rien n'a pu être remis : {error}")
    except OSError as error:
        problems.append(f"rien n'a pu être remis : {describe_os_error(error)}.")
    left = sum(1 for _ in (box.folder / WAITING).glob("*.json"))
    return Posted(collected, told, tuple(problems), left)


def deliver(
    platform: Platform,
    box: TrackerOutbox,
    *,
    until: datetime | None = None,
    clock: Callable[[], datetime] = now_utc,
    hurried: bool = False,
) -> tuple[Told, ...]:
    """Send what waits; the tracker is not even opened when nothing does."""
    if platform.tracker is None:
        return ()
    box.tidy()
    if not box.list_waiting():
        return ()
    tracker = open_tracker(platform)
    if tracker is None:
        return ()
    try:
        return box.deliver(tracker, clock, platform.tracker.max_attachment_bytes, until, hurried=hurried)
    finally:
        tracker.close()


def collect(
    platform: Platform,
    runs_dir: Path,
    now: datetime,
    *,
    platform_file: str = "",
    begun_at: datetime | None = None,
) -> int:
    """Put every new event of the platform into the box; how many there were.

    LedgerBroken, ConfigError or OSError when that cannot be: what was put there counts, the rest comes next time.
    """
    box, path = TrackerOutbox(runs_dir, platform.name), runs_dir / ledger.FILE
    if not runs_dir.is_dir() or (not path.is_file() and box.load_progress() is not None):
        return 0
    with box.collecting():
        entries, known = ledger.read_entries(path), box.load_progress()
        if not entries:
            if known is None:  # whoever finds the first event later tells it
                box.save_progress(Progress("", 0, 0, platform_file=platform_file, since=now))
            return 0
        progress = known
        if progress is None or not progress.ledger_id:
            progress = begin(entries, progress.since if progress else begun_at)
        check_progress(progress, entries, box)
        file = platform_file or (known.platform_file if known else "")
        progress = dataclasses.replace(progress, platform_file=file)
        words = Words(Mask(list_secrets(platform)), read_reports_url(platform.reports_url))
        titles = name_executions(entries)
        count = 0
        for entry in entries[progress.collected :]:
            if entry.platform == platform.name:
                try:
                    added, progress = _collect_one(box, entries, entry, progress, titles, words, now)
                except PieceAwaited:
                    break
                count += added
            progress = dataclasses.replace(progress, collected=entry.sequence, collected_sha256=entry.sha256)
        # Not reached when the disk is full: what is in the box already is found there by its name the next time.
        if progress != known:
            box.save_progress(progress)
        return count


def begin(entries: tuple[LedgerEntry, ...], begun_at: datetime | None) -> Progress:
    """The first time: years of events are not told again, only what happened since the caller began."""
    old = [one for one in entries if begun_at is None or one.at < begun_at]
    start = old[-1].sequence if old else 0
    return Progress(entries[0].previous, start, start, entries[start - 1].sha256 if start else "")


def check_progress(progress: Progress, entries: tuple[LedgerEntry, ...], box: TrackerOutbox) -> None:
    """ConfigError when the ledger is not the one that was collected."""
    is_other = progress.ledger_id != entries[0].previous or progress.collected > len(entries)
    if not is_other and progress.collected and progress.collected_sha256:
        is_other = entries[progress.collected - 1].sha256 != progress.collected_sha256
    if is_other:
        raise ConfigError(
            f"{box.folder / STATE} : le registre n'est plus celui dont les événements étaient suivis ; vérifiez-le "
            "(python -m nonreg ledger verify), puis retirez ce fichier pour repartir de sa fin."
        )


def _collect_one(
    box: TrackerOutbox,
    entries: tuple[LedgerEntry, ...],
    entry: LedgerEntry,
    progress: Progress,
    titles: dict[str, str],
    words: Words,
    now: datetime,
) -> tuple[int, Progress]:
    report = read_report(box.runs_dir, entry) if entry.kind == CAMPAIGN else None
    note = collect_entry(entry, titles, words, report)
    items = [note] if note is not None else []
    regressions = progress.regressions
    if report is not None and not is_overtaken(entry, entries):
        found, regressions = collect_regressions(entry, report, regressions, words)
        items += found
    patient = abs(now - entry.at) < PATIENCE
    count = sum(box.add(one, patient=patient, at=now) for one in items)
    return count, dataclasses.replace(progress, regressions=regressions)


def is_overtaken(entry: LedgerEntry, entries: tuple[LedgerEntry, ...]) -> bool:
    """True for a campaign that is only judged again, after another one: it says nothing of how things are now."""
    runs = [
        one for one in entries[: entry.sequence] if one.kind == CAMPAIGN and one.platform == entry.platform
    ]
    seen = [
        place
        for place, one in enumerate(runs[:-1])
        if all(one.data.get(name) == entry.data.get(name) for name in ("run_id", "inputs_sha256"))
    ]
    run_id = entry.data.get("run_id")
    return bool(seen) and any(one.data.get("run_id") != run_id for one in runs[seen[0] :])


def read_report(runs_dir: Path, entry: LedgerEntry) -> CampaignReport | None:
    """The report of a campaign as the ledger knows it; None when it was made anew since, or cannot be read."""
    file = runs_dir / str(entry.data.get("run_id")) / REPORT
    if not file.is_file() or hash_file(file) != entry.data.get("report_sha256"):
        return None
    try:
        return load_json(CampaignReport, file)
    except ConfigError:
        return None
