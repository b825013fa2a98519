"""What a purge would do now: shown first, and looked at again just before each thing is removed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from nonreg import ledger
from nonreg.baseline import governance_dir
from nonreg.config import Platform
from nonreg.ledger import LedgerEntry
from nonreg.ledger_witness import collect_witnesses, verify_ledger
from nonreg.model.retention import FOLDER_KINDS, Judged, RetentionPlan
from nonreg.people import People
from nonreg.retention.facts import ask_tickets, read_shield
from nonreg.retention.items import explain_altered, list_items
from nonreg.retention.protection import judge_items
from nonreg.retention.settings import load_retention


def make_plan(platform: Platform, people: People, runs_dir: Path, now: datetime) -> RetentionPlan:
    """Look at everything; a NonregError when ledger, baselines or settings do not hold: nothing is removed then."""
    entries = verify_ledger(runs_dir / ledger.FILE, collect_witnesses(runs_dir)).entries
    judged = judge_now(platform, people, runs_dir, entries, now)
    over = [one for one in judged if is_over(one, now)]
    tickets, notes = ask_tickets(platform, (one.item.ticket for one in over if not one.reasons))
    judged = judge_now(platform, people, runs_dir, entries, now, tickets)
    over = [look_closer(one, runs_dir, entries) for one in judged if is_over(one, now)]
    return RetentionPlan(
        platform.name,
        now,
        tuple(load_retention(governance_dir(platform.governance)).months.items()),
        tuple(one.item for one in over if not one.reasons),
        tuple(one for one in over if one.reasons),
        len(judged) - len(over),
        notes,
    )


def judge_now(
    platform: Platform,
    people: People,
    runs_dir: Path,
    entries: tuple[LedgerEntry, ...],
    now: datetime,
    tickets: Mapping[str, str] | None = None,
) -> tuple[Judged, ...]:
    """Everything and why it is kept; `tickets` are what `ask_tickets` said. No sealed file is hashed here."""
    retention = load_retention(governance_dir(platform.governance))
    items = list_items(runs_dir, platform.name, entries, now)
    due = [(one, retention.find_due(one.kind, one.at)) for one in items]
    over = tuple(one for one, at in due if at is not None and at <= now)
    shield = read_shield(platform, people, runs_dir, entries, items, over, now)
    return judge_items(items, retention, replace(shield, tickets=tickets or {}), now)


def is_over(judged: Judged, now: datetime) -> bool:
    """True when the time of a thing is over."""
    return judged.due is not None and judged.due <= now


def look_closer(judged: Judged, runs_dir: Path, entries: tuple[LedgerEntry, ...]) -> Judged:
    """Altered evidence is kept: it has to be explained, not made to disappear."""
    if judged.reasons or not judged.item.sealed or judged.item.kind not in FOLDER_KINDS:
        return judged
    wrong = explain_altered(runs_dir / judged.item.place, runs_dir, entries)
    return replace(judged, reasons=(f"preuve altérée, à expliquer d'abord : {wrong}",)) if wrong else judged
