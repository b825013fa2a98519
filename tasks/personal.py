"""Everything about a person: gathered for them, or erased on their request; the ledger says that it was."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from nonreg.alerts.settings import find_settings
from nonreg.decision import write_decision
from nonreg.errors import ConfigError, NonregError, UsageError
from nonreg.ledger import LedgerEntry
from nonreg.ledger_witness import collect_witnesses, verify_ledger
from nonreg.model.personal import Erased, Held
from nonreg.people import Person
from nonreg.personal.erase import (
    ERASURE,
    EXPORT,
    Place,
    erase_entry,
    is_recorded,
    record,
    require_gone,
    require_person,
    rewrite,
)
from nonreg.personal.terms import ERASED, Terms, make_terms
from nonreg.personal.traces import Found, find_traces
from nonreg.retention.plan import judge_now
from nonreg.store import write_file
from nonreg.tickets import require_ticket
from nonreg.tracker.connection import open_tracker
from reports.html import write_html
from reports.personal import build_person_page
from tasks.handover_work import Work

JSON, HTML = "personne.json", "personne.html"
GIT = "L'historique git du dossier de gouvernance garde les versions d'avant : le récrire est une décision du client."


def gather_person(work: Work, person_id: str, others: Iterable[str], now: datetime) -> Held:
    """Everything that is held about a person; UsageError for somebody unknown."""
    person = require_person(work.people, person_id)
    terms = make_terms(person.id, person.name, person.accounts, others)
    entries = verify_ledger(work.journal.file, collect_witnesses(work.runs_dir)).entries
    own = [one for one in entries if concerns(one, terms)]
    notes, missing = read_notes(work, terms, own)
    recipients, problem = read_recipients(terms)
    found, others_told = find(work, terms, entries, now)
    return Held(
        person.id,
        work.platform.name,
        now,
        describe_person(person),
        tuple(map(describe_entry, own)),
        tuple(one.trace for one in found),
        notes,
        recipients,
        (*missing, *problem, *others_told),
    )


def keep_export(work: Work, held: Held, folder: Path, ticket: str) -> Path:
    """Write what was gathered where only its owner reads it, and the line of the ledger; the path of the page."""
    require_ticket(ticket)
    if folder.resolve().is_relative_to(work.runs_dir.resolve()):
        raise UsageError("L'export ne se range pas dans le dossier des passages : il serait gardé avec eux.")
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    text = json.dumps(asdict(held), ensure_ascii=False, indent=2, default=str)
    for name, content in ((JSON, text + "\n"), (HTML, write_html(build_person_page(held)))):
        write_file(folder / name, content)
        (folder / name).chmod(0o600)
    record(make_place(work), EXPORT, held.person, ticket, held.traces, held.at)
    return folder / HTML


def erase_person(
    work: Work, person_id: str, others: Iterable[str], ticket: str, now: datetime, *, apply: bool
) -> Erased:
    """What an erasure does, or would do without `apply`; UsageError for somebody who may still decide."""
    person = require_person(work.people, person_id)
    require_gone(person, now)
    require_ticket(ticket)
    terms = make_terms(person.id, person.name, person.accounts, others)
    entries = verify_ledger(work.journal.file, collect_witnesses(work.runs_dir)).entries
    every, others_told = find(work, terms, entries, now)
    found = tuple(one for one in every if one.trace.named)
    own = [one for one in entries if concerns(one, terms)]
    todo = (*list_todo(work, terms, own), *others_told, GIT)
    if not apply:
        return Erased(person.id, now, False, tuple(one.trace for one in found), todo)
    place = make_place(work)
    traces = rewrite(place, terms, found)
    if person.name == ERASED or not is_recorded(entries, person.id, ticket):
        record(place, ERASURE, person.id, ticket, traces, now)
    erase_entry(work.people, terms, work.platform.identity_token)
    return Erased(person.id, now, True, traces, todo)


def make_place(work: Work) -> Place:
    """Where an erasure works."""
    return Place(work.platform, work.people, work.runs_dir)


def find(
    work: Work, terms: Terms, entries: tuple[LedgerEntry, ...], now: datetime
) -> tuple[tuple[Found, ...], tuple[str, ...]]:
    """The files that name the person or hold the id, with when retention removes what is sealed; what to look at."""
    judged = judge_now(work.platform, work.people, work.runs_dir, entries, now)
    return find_traces(terms, work.platform, work.runs_dir, work.people.file.parent, judged)


def concerns(entry: LedgerEntry, terms: Terms) -> bool:
    """True for a line of the ledger that the person wrote, or that is about them."""
    told = json.dumps([entry.person, dict(entry.data)], ensure_ascii=False)
    return terms.holds_id(told) or (entry.decision is not None and entry.decision.person == terms.person)


def describe_person(person: Person) -> dict[str, Any]:
    """The entry of the people file."""
    return {name: value for name, value in asdict(person).items() if value not in (None, ())}


def describe_entry(entry: LedgerEntry) -> dict[str, Any]:
    """A line of the ledger, whole: when, what, for which ticket, signed or not."""
    signed = {"decision": write_decision(entry.decision)} if entry.decision is not None else {}
    return {
        "sequence": entry.sequence,
        "at": entry.at,
        "kind": entry.kind,
        "platform": entry.platform,
        "person": entry.person,
        "ticket": entry.ticket,
        "data": dict(entry.data),
        **signed,
    }


def read_notes(
    work: Work, terms: Terms, own: Iterable[LedgerEntry]
) -> tuple[tuple[Mapping[str, str], ...], tuple[str, ...]]:
    """Notes about the person in the tickets of these lines, and why some could not be read."""
    tickets = sorted({one.ticket for one in own if one.ticket})
    found: list[Mapping[str, str]] = []
    missing: list[str] = []
    try:
        tracker = open_tracker(work.platform)
    except NonregError as error:
        return (), (f"Suivi des tickets : {error}",)
    if tracker is None:
        return (), ("Aucun suivi des tickets n'est nommé : ses notes n'ont pas été regardées.",)
    try:
        for ticket in tickets:
            try:
                found += [
                    {"ticket": ticket, "at": note.at.isoformat(), "author": note.author, "text": note.text}
                    for note in tracker.list_notes(ticket)
                    if terms.holds(f"{note.author}\n{note.text}")
                    or terms.holds_id(f"{note.author}\n{note.text}")
                ]
            except NonregError as error:
                missing.append(f"Ticket {ticket} pas lu : {error}")
    finally:
        tracker.close()
    return tuple(found), tuple(missing)


def read_recipients(terms: Terms) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The addresses of alerts that are the person's."""
    try:
        settings = find_settings()
    except ConfigError as error:
        return (), (f"Réglages des alertes : {error}",)
    recipients = settings.mail.recipients if settings is not None and settings.mail is not None else ()
    return tuple(one for one in recipients if terms.holds(one) or terms.holds_id(one)), ()


def list_todo(work: Work, terms: Terms, own: Iterable[LedgerEntry]) -> tuple[str, ...]:
    """What nobody but a person can do."""
    notes, missing = read_notes(work, terms, own)
    recipients, problem = read_recipients(terms)
    named = sorted({note["ticket"] for note in notes if terms.holds(f"{note['author']}\n{note['text']}")})
    return (
        *(f"Suivi : corriger les notes du ticket {ticket}, qui nomment la personne." for ticket in named),
        *(f"Alertes : retirer un destinataire ({len(recipients)})." for _ in recipients[:1]),
        *missing,
        *problem,
    )
