"""What protects from a purge, as ledger, baselines, waivers, executions, tracker and documents say it now.

What cannot be read protects: a purge that does not know keeps.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from pathlib import Path

from nonreg.baseline import governance_dir
from nonreg.config import Platform
from nonreg.errors import NonregError
from nonreg.handover.contacts import list_duties, list_on_duty
from nonreg.handover.journal import FOLDER as RUNBOOKS
from nonreg.handover.journal import Journal
from nonreg.handover.signing import list_delegations
from nonreg.ledger import LedgerEntry
from nonreg.model import CampaignReport, Verdict
from nonreg.model.retention import Item, ItemKind
from nonreg.model.tracker import TicketState
from nonreg.people import People
from nonreg.promoted import load_promoted
from nonreg.retention.protection import (
    Shield,
    cite_executions,
    cite_interventions,
    explain_reserves,
    protect_baselines,
    protect_interventions,
    protect_regressions,
)
from nonreg.store import load_json
from nonreg.tracker.connection import open_tracker
from nonreg.tracker.outbox import TrackerOutbox
from nonreg.tracker.protocol import TicketUnknown
from nonreg.waivers import read_waivers
from nonreg.working_time import PARIS

REPORT, DOCUMENTS = "report.json", "documents"
TEXTS = frozenset({".json", ".toml", ".txt"})


def read_shield(
    platform: Platform,
    people: People,
    runs_dir: Path,
    entries: tuple[LedgerEntry, ...],
    items: tuple[Item, ...],
    over: tuple[Item, ...],
    now: datetime,
) -> Shield:
    """Everything that protects, but the tickets (`ask_tickets`); NonregError when a source cannot be read at all.

    `over` are the items whose time is over: only their reports are read.
    """
    governance = governance_dir(platform.governance)
    baselines = load_promoted(governance, people, platform.name, platform.identity_token)
    progress = TrackerOutbox(runs_dir, platform.name).load_progress()
    runs = [one for one in over if one.kind is ItemKind.RUN]
    parts: list[Mapping[str, tuple[str, ...]]] = [
        protect_baselines(entries, baselines, platform.name),
        protect_interventions(entries, platform.name),
        protect_regressions(progress.regressions if progress else {}),
        _protect_reserved(runs, runs_dir, governance, now),
        _protect_executions(platform, people, runs_dir, entries, now),
    ]
    places: dict[str, tuple[str, ...]] = {}
    for part in parts:
        for place, reasons in part.items():
            places[place] = (*places.get(place, ()), *reasons)
    present = {one.place for one in items}
    told = {**cite_executions(entries, platform.name), **cite_interventions(entries, platform.name)}
    citations = {
        **{place: cited for place, cited in told.items() if place in present},
        **_cite_texts(items, runs_dir, [one.place for one in runs]),
    }
    return Shield(places, citations=citations)


def ask_tickets(platform: Platform, references: Iterable[str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Why each ticket keeps what was done for it, and what could not be asked; a closed one keeps nothing.

    The ticket that the platform names for what has none is always open: it keeps nothing either.
    """
    wanted = sorted({one for one in references if one and one != platform.default_ticket})
    if not wanted:
        return {}, ()
    try:
        tracker = open_tracker(platform)
    except NonregError as error:
        return dict.fromkeys(wanted, "ticket pas vérifié"), (f"Suivi des tickets : {error}",)
    if tracker is None:
        return {}, ("Aucun suivi des tickets n'est nommé : les tickets ouverts ne protègent rien.",)
    found: dict[str, str] = {}
    notes: list[str] = []
    try:
        for reference in wanted:
            try:
                if tracker.find_ticket(reference).state is TicketState.OPEN:
                    found[reference] = f"ticket {reference} ouvert"
            except TicketUnknown:
                found[reference] = f"ticket {reference} inconnu du suivi"
            except NonregError as error:
                found[reference] = f"ticket {reference} pas vérifié"
                notes.append(f"Ticket {reference} pas vérifié : {error}")
    finally:
        tracker.close()
    return found, tuple(notes)


def _protect_reserved(
    runs: Iterable[Item], runs_dir: Path, governance: Path, now: datetime
) -> dict[str, tuple[str, ...]]:
    waivers = [one for one in read_waivers(governance) if one.is_in_force(now)]
    found: dict[str, tuple[str, ...]] = {}
    for one in runs if waivers else ():
        file = runs_dir / one.place / REPORT
        if not file.is_file():
            continue
        try:
            report = load_json(CampaignReport, file)
        except NonregError:
            found[one.place] = ("rapport illisible : ses réserves ne sont pas connues",)
            continue
        reserved = report.assessment.verdict is Verdict.OK_AVEC_RESERVES
        why = explain_reserves(report, waivers, now) if reserved else ""
        if why:
            found[one.place] = (why,)
    return found


def _protect_executions(
    platform: Platform, people: People, runs_dir: Path, entries: tuple[LedgerEntry, ...], now: datetime
) -> dict[str, tuple[str, ...]]:
    own = tuple(one for one in entries if one.platform == platform.name)
    executions = Journal(runs_dir, people).build_readable(own)
    today = now.astimezone(PARIS).date()
    found: dict[str, tuple[str, ...]] = {}
    for one in list_delegations(own, executions, platform=platform.name, rehearsal=False, people=people):
        if not _is_past(one.until, today):
            found[f"{RUNBOOKS}/{one.execution}"] = (f"délégation en vigueur jusqu'au {one.until or '?'}",)
    roles = {one.id: one.role for one in people.persons}
    for duty in list_on_duty(list_duties(executions, roles, platform=platform.name), today):
        place = f"{RUNBOOKS}/{duty.execution}"
        found[place] = (*found.get(place, ()), f"annuaire en vigueur : {duty.person}")
    return found


def _is_past(day: str, today: date) -> bool:
    try:
        return date.fromisoformat(day) < today
    except ValueError:
        return False


def _cite_texts(items: Iterable[Item], runs_dir: Path, run_places: list[str]) -> dict[str, frozenset[str]]:
    """The runs that documents, drafts of documents and migrations name in their texts."""
    places = {one.place for one in items if one.kind in (ItemKind.DOCUMENT, ItemKind.MIGRATION)}
    places |= {path.relative_to(runs_dir).as_posix() for path in (runs_dir / DOCUMENTS).glob("*/")}
    found = {}
    for place in sorted(places):
        texts = [
            path.read_text(encoding="utf-8", errors="replace")
            for path in sorted((runs_dir / place).glob("*"))
            if path.suffix in TEXTS and path.is_file()
        ]
        cited = frozenset(run for run in run_places if run != place and any(run in text for text in texts))
        # A version is archived again from its draft, as long as that is there.
        cited |= {one for one in places if re.fullmatch(rf"{re.escape(place)}-v\d+", one)}
        if cited:
            found[place] = cited
    return found
