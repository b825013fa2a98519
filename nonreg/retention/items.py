"""What a runs' folder holds for a time, as it is on the disk; nothing here decides anything.

Not looked at: the ledger, evidence of purges, what waits in a box, working files of processes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from nonreg import store
from nonreg.alerts.delivery import State as AlertState
from nonreg.alerts.outbox import Outbox
from nonreg.documents.draft_file import load_draft
from nonreg.errors import NonregError
from nonreg.evidence.chain import PURGE, RECORD, RUN
from nonreg.evidence.explain import compare_files, explain_chain
from nonreg.evidence.files import MANIFEST, mark_files
from nonreg.evidence.folders import list_things, place_of, read_manifest
from nonreg.evidence.manifest import Manifest, hash_content, hash_map
from nonreg.handover.journal import FOLDER as RUNBOOKS
from nonreg.handover.journal import RUNBOOK
from nonreg.handover.readiness import FOLDER as PAGES
from nonreg.handover.readiness import KIND as PAGE
from nonreg.handover.state import Event
from nonreg.ledger import LedgerEntry
from nonreg.model import CampaignPlan
from nonreg.model.retention import Item, ItemKind
from nonreg.steering.pack import KIND as PACK
from nonreg.store import PLAN, hash_file, load_json
from nonreg.tracker.items import Waiting
from nonreg.tracker.outbox import DELIVERED, TrackerOutbox

KINDS = {
    RUN: ItemKind.RUN,
    RECORD: ItemKind.RECORD,
    "intervention": ItemKind.INTERVENTION,
    "reserves": ItemKind.INTERVENTION,
    "migration": ItemKind.MIGRATION,
    "document": ItemKind.DOCUMENT,
    PACK: ItemKind.PACK,
}
DOCUMENTS, DRAFT = "documents", "projet.toml"
NOT_SEALED = "pas scellé : exécution encore ouverte, ou close sans relevé"
RUNNING = "en cours"


def list_items(
    runs_dir: Path, platform: str, entries: tuple[LedgerEntry, ...], now: datetime
) -> tuple[Item, ...]:
    """Everything of a platform that is kept for a time, the oldest first."""
    found = [
        *_list_sealed(runs_dir, platform, entries),
        *_list_unsealed(runs_dir, platform, entries),
        *_list_drafts(runs_dir, platform),
        *_list_pages(runs_dir, platform, entries),
        *_list_notes(runs_dir, platform),
        *_list_alerts(runs_dir, platform, now),
    ]
    # What a link leads to is elsewhere, and not ours to remove.
    own = (one for one in found if one.place and place_of(runs_dir / one.place, runs_dir) == one.place)
    return tuple(sorted(own, key=lambda one: (one.at, one.place)))


def explain_altered(folder: Path, runs_dir: Path, entries: tuple[LedgerEntry, ...]) -> str:
    """What is wrong with sealed evidence, in French; empty for what is sound: a purge must not hide an alteration."""
    try:
        manifest = read_manifest(folder)
        wrong = compare_files(manifest.files, mark_files(folder))
    except NonregError as error:
        return str(error).rstrip(".")
    if wrong:
        return f"fichiers {wrong}"
    return "" if manifest.head is None else explain_chain(manifest, place_of(folder, runs_dir), entries)


def _list_sealed(runs_dir: Path, platform: str, entries: Iterable[LedgerEntry]) -> Iterator[Item]:
    opened = {
        str(one.data.get("execution")): one.data for one in entries if one.data.get("event") == Event.OPENED
    }
    for folder in list_things(runs_dir):
        place = place_of(folder, runs_dir)
        try:
            manifest = read_manifest(folder)
        except NonregError as error:
            yield Item(
                ItemKind.OTHER, folder.name, place, _read_time(folder), "", obstacle=str(error).rstrip(".")
            )
            continue
        if manifest.kind == PURGE:
            continue
        plan = _read_plan(folder)
        owner = manifest.platform or (plan.platform.name if plan else "")
        if owner != platform:
            continue
        kind = KINDS.get(manifest.kind, ItemKind.RUN if plan else ItemKind.OTHER)
        # A run that was judged again since is as old as it was.
        at = plan.created_at if plan else manifest.at or _read_time(folder)
        yield Item(
            kind,
            manifest.id or folder.name,
            place,
            at.astimezone(UTC),
            _hash(manifest, folder),
            plan.ticket if plan else _find_ticket(manifest, entries),
            size_bytes=sum(one.size_bytes or 0 for one in manifest.files.values()),
            group=_name_group(kind, manifest, plan, opened),
            obstacle=RUNNING if plan and store.is_running(folder) else "",
        )


def _list_unsealed(runs_dir: Path, platform: str, entries: Iterable[LedgerEntry]) -> Iterator[Item]:
    for file in sorted(runs_dir.glob(f"*/{PLAN}")):
        folder, plan = file.parent, _read_plan(file.parent)
        if (folder / MANIFEST).exists() or (plan is not None and plan.platform.name != platform):
            continue
        obstacle = RUNNING if store.is_running(folder) else "" if plan else f"{PLAN} illisible"
        yield _describe_unsealed(ItemKind.RUN, runs_dir, folder, plan.ticket if plan else "", obstacle, plan)
    own = {str(one.data.get("execution")) for one in entries if one.platform == platform}
    for file in sorted(runs_dir.glob(f"{RUNBOOKS}/*/{RUNBOOK}")):
        if file.parent.name in own and not (file.parent / MANIFEST).exists():
            yield _describe_unsealed(ItemKind.RECORD, runs_dir, file.parent, "", NOT_SEALED, None)


def _list_drafts(runs_dir: Path, platform: str) -> Iterator[Item]:
    """Drafts of documents, as old as their last change; those of an unknown platform are left to people."""
    for file in sorted(runs_dir.glob(f"{DOCUMENTS}/*/{DRAFT}")):
        if (file.parent / MANIFEST).exists():
            continue
        try:
            about = load_draft(file).document
        except NonregError:
            continue
        if about.platform == platform:
            found = _describe_unsealed(ItemKind.DOCUMENT, runs_dir, file.parent, about.ticket, "", None)
            yield replace(found, at=_read_time(file))


def _describe_unsealed(
    kind: ItemKind, runs_dir: Path, folder: Path, ticket: str, obstacle: str, plan: CampaignPlan | None
) -> Item:
    sha256, size_bytes = "", 0
    if not obstacle:
        try:
            sha256, size_bytes = hash_unsealed(folder)
        except NonregError as error:
            obstacle = str(error).rstrip(".")
    return Item(
        kind,
        folder.name,
        place_of(folder, runs_dir),
        plan.created_at.astimezone(UTC) if plan else _read_time(folder),
        sha256,
        ticket,
        size_bytes=size_bytes,
        sealed=False,
        obstacle=obstacle,
    )


def hash_unsealed(folder: Path) -> tuple[str, int]:
    """One hash for what a folder without manifest holds, and its size in bytes."""
    marks = mark_files(folder)
    sizes = sum(mark.size_bytes or 0 for mark in marks.values())
    return hash_map({name: mark.sha256 for name, mark in marks.items()}), sizes


def _list_pages(runs_dir: Path, platform: str, entries: Iterable[LedgerEntry]) -> Iterator[Item]:
    for entry in entries:
        if (entry.kind, entry.platform) != (PAGE, platform):
            continue
        name = str(entry.data.get("readiness"))
        place = f"{PAGES}/{name}.json"
        if Path(name).name != name or not (runs_dir / place).is_file():
            continue
        files = tuple(f"{PAGES}/{name}.{suffix}" for suffix in ("json", "html", "pdf"))
        present = tuple(one for one in files if (runs_dir / one).is_file())
        sealed: Mapping[str, str] = entry.data.get("sha256", {})
        wrong = [one for one in present if hash_file(runs_dir / one) != sealed.get(one.rpartition(".")[2])]
        yield Item(
            ItemKind.PAGE,
            name,
            place,
            entry.at,
            hash_file(runs_dir / place),
            files=present,
            size_bytes=sum((runs_dir / one).stat().st_size for one in present),
            sealed=False,
            group=PAGE,
            obstacle=f"fichiers modifié(s) : {', '.join(wrong)}" if wrong else "",
        )


def _list_notes(runs_dir: Path, platform: str) -> Iterator[Item]:
    box = TrackerOutbox(runs_dir, platform)
    for file in sorted((box.folder / DELIVERED).glob("*.json")):
        place = file.relative_to(runs_dir).as_posix()
        try:
            item = load_json(Waiting, file).item
            at, ticket, obstacle = max(item.at, _read_time(file)), item.ticket, ""
        except NonregError as error:
            at, ticket, obstacle = _read_time(file), "", str(error).rstrip(".")
        journal = file.with_suffix(".jsonl")
        files = (place, *([journal.relative_to(runs_dir).as_posix()] if journal.is_file() else []))
        yield _describe_files(ItemKind.NOTE, file.stem, runs_dir, files, at, ticket, obstacle)


def _list_alerts(runs_dir: Path, platform: str, now: datetime) -> Iterator[Item]:
    box = Outbox(runs_dir)
    for alert in box.list_alerts():
        if alert.fact.platform not in ("", platform):
            continue
        states = {box.standing(alert, channel, now).state for channel in alert.channels}
        left = states - {AlertState.DELIVERED, AlertState.UNKNOWN}
        place = f"{box.folder.name}/{alert.name}.json"
        others = sorted(
            file.relative_to(runs_dir).as_posix()
            for channel in alert.channels
            for file in (
                box.folder / f"{alert.name}.{channel}.jsonl",
                box.folder / f"{alert.name}.{channel}.lock",
            )
            if file.is_file()
        )
        obstacle = "pas remise" if left else ""
        yield _describe_files(
            ItemKind.ALERT,
            alert.name,
            runs_dir,
            (place, *others),
            alert.created_at,
            alert.fact.ticket,
            obstacle,
        )


def _describe_files(
    kind: ItemKind,
    name: str,
    runs_dir: Path,
    files: tuple[str, ...],
    at: datetime,
    ticket: str,
    obstacle: str,
) -> Item:
    return Item(
        kind,
        name,
        files[0],
        at.astimezone(UTC),
        hash_file(runs_dir / files[0]),
        ticket,
        files,
        sum((runs_dir / one).stat().st_size for one in files),
        sealed=False,
        obstacle=obstacle,
    )


def _read_plan(folder: Path) -> CampaignPlan | None:
    try:
        return load_json(CampaignPlan, folder / PLAN) if (folder / PLAN).is_file() else None
    except NonregError:
        return None


def _read_time(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


def _hash(manifest: Manifest, folder: Path) -> str:
    return hash_file(folder / MANIFEST) if manifest.is_old else hash_content(manifest)


def _find_ticket(manifest: Manifest, entries: Iterable[LedgerEntry]) -> str:
    line = manifest.head.sequence if manifest.head else 0
    return next((one.ticket for one in entries if one.sequence == line), "")


def _name_group(
    kind: ItemKind, manifest: Manifest, plan: CampaignPlan | None, opened: Mapping[str, Mapping[str, object]]
) -> str:
    """What this is one of a row of: the last one tells how things stand."""
    if kind is ItemKind.RUN:
        return f"{kind} {plan.catalog} {','.join(plan.families)}" if plan else kind
    if kind is ItemKind.RECORD:
        data = opened.get(manifest.id, {})
        return f"{kind} {data.get('runbook', '')} {data.get('rehearsal', '')}"
    return f"{kind} {manifest.id.partition('-')[0]}" if kind is ItemKind.PACK else ""
