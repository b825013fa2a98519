"""Removing what is kept no longer, so that at any moment what is gone is in the ledger, and what is not is whole.

    purges/P-…/purge.json       everything that the purge announced, with hashes, and what it kept and why
    purges/P-…/chiffres.jsonl   the figures of the runs that it removed
    purges/P-…/manifest.json    sealed like a run: its line of the ledger names each folder and the hash of its manifest
    purges/.corbeille/          folders on their way out: renamed at once, then deleted

The line of the ledger comes first; then each thing leaves by one renaming. What a kill cut is finished by the next
purge, after everything was looked at again: what has become protected since, or has changed, stays.
"""

from __future__ import annotations

import fcntl
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nonreg import ledger
from nonreg.alerts.outbox import CREATION_LOCK, Outbox
from nonreg.config import Platform
from nonreg.durable import sync_folder
from nonreg.evidence.chain import KEY, PURGE
from nonreg.evidence.files import MANIFEST, EvidenceWrong
from nonreg.evidence.interrupted import finish_sealed
from nonreg.evidence.seal import Thing, seal_folder
from nonreg.file_lock import hold_file_lock
from nonreg.ledger import LedgerEntry
from nonreg.ledger_witness import collect_witnesses, verify_ledger
from nonreg.model.retention import FOLDER_KINDS, Item, ItemKind, Judged, Purged, RetentionPlan
from nonreg.people import People
from nonreg.retention.facts import ask_tickets
from nonreg.retention.figures import FIGURES, PURGES, write_figures
from nonreg.retention.items import explain_altered
from nonreg.retention.plan import is_over, judge_now, make_plan
from nonreg.store import PLAN, dump_json, load_json, write_file

ANNOUNCED, TRASH, LOCK = "purge.json", ".corbeille", ".verrou"
WHAT = "La purge"
CHANGED = "n'est plus ce qui a été annoncé"

Pages = Callable[[RetentionPlan, str], Mapping[str, str | bytes]]


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose runs, and in whose name; `pages` make what people read of a purge."""

    platform: Platform
    people: People
    runs_dir: Path
    ticket: str = ""
    person: str = ""
    pages: Pages = lambda plan, purge_id: {}

    @property
    def folder(self) -> Path:
        """Where purges leave their evidence."""
        return self.runs_dir / PURGES


def run_purge(asked: Asked, now: datetime) -> Purged:
    """Finish what an earlier purge announced, then remove what may be removed now.

    A NonregError or OSError leaves what was not removed yet, whole, for the next purge.
    """
    with hold_file_lock(asked.folder / LOCK, WHAT):
        finish_sealed(asked.folder, asked.runs_dir)
        finished, left = _finish_earlier(asked, now)
        plan = make_plan(asked.platform, asked.people, asked.runs_dir, now)
        if not plan.removable:
            return Purged("", left=left, finished=finished)
        purge_id = f"P-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
        folder = asked.folder / purge_id
        folder.mkdir()
        write_file(folder / FIGURES, write_figures(plan.removable, asked.runs_dir))
        for name, content in asked.pages(plan, purge_id).items():
            write_file(folder / name, content)
        write_file(folder / ANNOUNCED, dump_json(RetentionPlan, plan) + "\n")
        _seal(asked, folder, plan)
        removed, not_removed = _remove(asked, plan.removable, now)
        return Purged(purge_id, removed, (*left, *not_removed), finished)


def describe_line(plan: RetentionPlan, purge_id: str) -> dict[str, Any]:
    """What the ledger says of a purge: each folder with the hash of its manifest, how many files of which kind."""
    folders = [one for one in plan.removable if one.kind in FOLDER_KINDS]
    files = [one.kind.value for one in plan.removable if one.kind not in FOLDER_KINDS]
    return {
        "purge": purge_id,
        "months": {kind.value: months for kind, months in plan.months},
        "folders": [one.place for one in folders],
        "hashes": {one.place: one.sha256 for one in folders},
        "files": {kind: files.count(kind) for kind in sorted(set(files))},
    }


def _seal(asked: Asked, folder: Path, plan: RetentionPlan) -> None:
    platform = asked.platform
    thing = Thing(
        PURGE,
        folder.name,
        platform.name,
        platform.identity_token,
        plan.at,
        asked.ticket or platform.default_ticket,
        asked.person,
    )
    seal_folder(folder, thing, asked.runs_dir, data=describe_line(plan, folder.name), people=asked.people)


def _finish_earlier(asked: Asked, now: datetime) -> tuple[tuple[str, ...], tuple[Judged, ...]]:
    """What earlier purges announced and had not removed: it is removed now, or is in the way for a reason."""
    entries = verify_ledger(asked.runs_dir / ledger.FILE, collect_witnesses(asked.runs_dir)).entries
    known = {str(one.data.get("purge")): one.data for one in entries if one.kind == PURGE}
    finished: list[str] = []
    left: list[Judged] = []
    for folder in sorted(asked.folder.glob("P-*/")):
        is_sealed = (folder / MANIFEST).is_file()
        if (
            folder.name not in known and not is_sealed
        ):  # killed before its line: it announced and removed nothing
            shutil.rmtree(folder)
            continue
        plan = load_json(RetentionPlan, folder / ANNOUNCED)
        if plan.platform != asked.platform.name:
            continue
        _require_announced(plan, folder, known.get(folder.name, {}), asked, entries)
        if not is_sealed:
            _seal(asked, folder, plan)
        waiting = tuple(one for one in plan.removable if is_there(one, asked.runs_dir))
        if waiting:
            removed, not_removed = _remove(asked, waiting, now)
            finished += [one.place for one in removed]
            left += [one for one in not_removed if one.reasons != (CHANGED,)]  # something else by now
    _empty_trash(asked)
    return tuple(finished), tuple(left)


def is_there(item: Item, runs_dir: Path) -> bool:
    """True while something of a thing that was announced is on the disk, as far as its names tell."""
    if item.kind in FOLDER_KINDS:
        return (runs_dir / item.place).is_dir()
    return any((runs_dir / one).is_file() for one in item.files)


def _require_announced(
    plan: RetentionPlan,
    folder: Path,
    line: Mapping[str, Any],
    asked: Asked,
    entries: tuple[LedgerEntry, ...],
) -> None:
    """EvidenceWrong unless the list is the one that was announced: what somebody adds to it is not removed."""
    wrong = explain_altered(folder, asked.runs_dir, entries) if (folder / MANIFEST).is_file() else ""
    if not wrong and {**line, KEY: None} != {**describe_line(plan, folder.name), KEY: None}:
        wrong = "sa liste n'est pas celle du registre"
    inside = all(
        (asked.runs_dir / name).resolve().is_relative_to(asked.runs_dir.resolve())
        for one in plan.removable
        for name in one.files
    )
    if wrong or not inside:
        raise EvidenceWrong(
            f"Purge {folder.name} altérée, rien n'est retiré : {wrong or 'un fichier est ailleurs'}."
        )


def _remove(
    asked: Asked, items: tuple[Item, ...], now: datetime
) -> tuple[tuple[Item, ...], tuple[Judged, ...]]:
    """Remove what is still as it was announced and still unprotected, looked at while nobody adds to the ledger."""
    tickets, _ = ask_tickets(asked.platform, (one.ticket for one in items))
    removed: list[Item] = []
    left: list[Judged] = []
    file = asked.runs_dir / ledger.FILE
    trash = asked.folder / TRASH
    trash.mkdir(exist_ok=True)
    with hold_file_lock(file.with_name(file.name + ".lock"), f"Registre {file}"):
        entries = ledger.read_entries(file)
        judged = judge_now(asked.platform, asked.people, asked.runs_dir, entries, now, tickets)
        present = {one.item.place: one for one in judged}
        for one in items:
            found = present.get(one.place)
            if found is None and one.kind not in FOLDER_KINDS:
                _remove_files(asked, one)  # the rest of one whose first file is gone
                removed.append(one)
                continue
            why = _explain_left(one, found, now)
            if not why and not _take_away(asked, one, trash):
                why = ("en cours",)
            if why:
                left.append(Judged(one, found.due if found else None, why))
            else:
                removed.append(one)
    _empty_trash(asked)
    return tuple(removed), tuple(left)


def _explain_left(announced: Item, found: Judged | None, now: datetime) -> tuple[str, ...]:
    if found is None or found.item.sha256 != announced.sha256:
        return (CHANGED,)
    return found.reasons or (() if is_over(found, now) else ("conservé plus longtemps",))


def _take_away(asked: Asked, item: Item, trash: Path) -> bool:
    """One thing, at once; False when a process has just begun to work on it."""
    if item.kind not in FOLDER_KINDS:
        _remove_files(asked, item)
        return True
    folder = asked.runs_dir / item.place
    with _holding(folder) as held:
        if held:
            folder.rename(trash / f"{secrets.token_hex(8)}-{folder.name}")
            sync_folder(folder.parent)
        return held


@contextmanager
def _holding(folder: Path) -> Iterator[bool]:
    """The lock that a run holds while it goes on, where a folder is one of a run."""
    with ExitStack() as stack:
        if (folder / PLAN).is_file():
            plan = stack.enter_context((folder / PLAN).open("rb"))
            try:
                fcntl.flock(plan, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
        yield True


def _remove_files(asked: Asked, item: Item) -> None:
    """The first file says that the thing is there: it goes first, and its journals are nobody's then."""
    with ExitStack() as stack:
        if item.kind is ItemKind.ALERT:
            lock = Outbox(asked.runs_dir).folder / CREATION_LOCK
            stack.enter_context(hold_file_lock(lock, WHAT))
        for name in item.files:
            (asked.runs_dir / name).unlink(missing_ok=True)


def _empty_trash(asked: Asked) -> None:
    shutil.rmtree(asked.folder / TRASH, ignore_errors=True)
