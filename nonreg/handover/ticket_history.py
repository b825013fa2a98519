"""The history of tickets, from the ledger: what was run, decided and answered for each. Pure.

Which tickets are open is what the tracking platform knows; without it, one counts that something still binds (an
execution under way, a waiver, a deadline) or that something happened to not long ago.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from nonreg.decision import DecisionKind
from nonreg.handover.state import KIND as RUNBOOK_KIND
from nonreg.handover.state import Event
from nonreg.ledger import OPENING, LedgerEntry
from nonreg.masking import conceal
from nonreg.model.briefing import TicketEvent, TicketView, TrackedTicket
from nonreg.working_time import PARIS

RECENT = "événement récent"
FOLLOWED = {"envoi": "envoyé", "remarques": "remarques reçues", "integration": "remarques intégrées"}
DECISIONS = {
    DecisionKind.PROMOTION: "référence promue",
    DecisionKind.DEROGATION: "dérogation accordée",
    DecisionKind.EXERCICE: "exercices HD autorisés",
    DecisionKind.CONFIRMATION: "remise en état confirmée",
    DecisionKind.MIGRATION: "liste de migration signée",
    DecisionKind.ETAPE: "étape signée",
    DecisionKind.VALIDATION: "document validé",
    DecisionKind.REVOCATION: "délégation révoquée",
}
MEETINGS = {"hebdo": "revue hebdomadaire", "copil": "dossier du COPIL"}


def list_tickets(
    entries: Iterable[LedgerEntry],
    platform: str,
    since: datetime,
    binding: Mapping[str, tuple[str, ...]],
    events: int,
    tracked: tuple[TrackedTicket, ...] | None = None,
) -> tuple[TicketView, ...]:
    """Tickets of a platform, those with the latest event first; `binding` says of a ticket what it still binds.

    When the tracking platform answers, its open tickets are the list, and nothing else.
    """
    known: dict[str, list[LedgerEntry]] = {}
    entries = tuple(one for one in entries if one.platform == platform)
    titles = name_executions(entries)
    for entry in entries:
        if entry.ticket:
            known.setdefault(entry.ticket, []).append(entry)
    open_tickets = {one.reference: one for one in tracked or ()}
    names = open_tickets if tracked is not None else dict.fromkeys([*known, *binding])
    views = []
    for name in names:
        found = known.get(name, [])
        recent = (RECENT,) if found and found[-1].at >= since else ()
        why = (*binding.get(name, ()), *recent)
        if why or tracked is not None:
            told = tuple(tell_event(one, titles) for one in reversed(found[-events:]))
            views.append(TicketView(name, told, len(found), why, open_tickets.get(name)))
    return tuple(sorted(views, key=sort_key))


def sort_key(view: TicketView) -> tuple[float, str]:
    """The latest event first, tickets without any last."""
    return (-view.events[0].at.timestamp() if view.events else 0.0, view.reference)


def name_executions(entries: Iterable[LedgerEntry]) -> dict[str, str]:
    """How an event names each execution."""
    return {
        str(one.data.get("execution")): f"runbook {one.data.get('runbook')}"
        + (" (répétition)" if one.data.get("rehearsal") else "")
        for one in entries
        if one.kind == RUNBOOK_KIND and one.data.get("event") == Event.OPENED
    }


def tell_event(entry: LedgerEntry, titles: Mapping[str, str]) -> TicketEvent:
    """One entry in a few French words, without anything that may not leave."""
    return TicketEvent(entry.at, conceal(describe(entry, titles)), entry.person, entry.sequence)


def describe(entry: LedgerEntry, titles: Mapping[str, str]) -> str:
    """What an entry says."""
    data = entry.data
    match entry.kind:
        case "campagne":
            return f"campagne {data.get('run_id')} : verdict {data.get('verdict')}"
        case "intervention":
            return f"avis avant intervention : {data.get('answer')}"
        case "reserves":
            return f"réserves : {data.get('acceptance')}"
        case kind if kind == RUNBOOK_KIND:
            return f"{titles.get(str(data.get('execution')), 'runbook')} : {describe_step(data)}"
        case "revue":
            return f"{MEETINGS.get(str(data.get('meeting')), 'revue')} {data.get('pack')}"
        case kind if kind == OPENING:
            return "registre ouvert"
        case "document":
            return f"document {data.get('genre')} archivé, version {data.get('version')} ({data.get('document')})"
        case "document-evenement":
            return f"relevé {data.get('document')} : {say_followed(data)}"
        case "purge":
            return f"purge {data.get('purge')}, dossiers au terme de leur conservation : {len(data.get('folders', ()))}"
        case "donnees-personnelles":
            return f"données personnelles de {data.get('subject')} : {data.get('event')}"
    if entry.decision is not None:
        return f"{DECISIONS[entry.decision.kind]} ({entry.decision.subject})"
    return f"{entry.kind} : {data.get('verdict', 'voir le registre')}"


def describe_step(data: Mapping[str, object]) -> str:
    """What an event of a runbook says."""
    step = data.get("step", "")
    match data.get("event"):
        case Event.OPENED:
            return "ouvert"
        case Event.DONE:
            return f"étape {step} {'sans objet' if data.get('outcome') == 'sans_objet' else 'faite'}"
        case Event.FAILED:
            return f"étape {step} en échec, {data.get('message')}"
        case Event.BEGUN:
            return f"étape {step} commencée, passage {data.get('run_id')}"
        case Event.SUSPENDED:
            return f"horloge suspendue, {data.get('reason')}"
        case Event.RESUMED:
            return "horloge reprise"
        case Event.REVOKED:
            return f"délégation de {data.get('delegate')} révoquée, {data.get('reason')}"
        case Event.CLOSED:
            return f"abandonné, {data['abandoned']}" if data.get("abandoned") else "clos"
    return str(data.get("event"))


def say_followed(data: Mapping[str, object]) -> str:
    """What became of a relevé, and when, as somebody declared it."""
    event = str(data.get("event"))
    try:
        at = datetime.fromisoformat(str(data.get("at"))).astimezone(PARIS)
    except ValueError:
        return event
    return f"{FOLLOWED.get(event, event)} le {at:%d/%m/%Y à %H:%M}"
