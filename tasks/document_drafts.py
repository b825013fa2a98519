"""A new draft, filled with what tracker, ledger and history know; what they do not is left to a person, and told."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, TypeVar

from nonreg.documents.draft_file import load_draft
from nonreg.documents.prefill import CLOSING, carry_actions, find_stamps, list_corrections, list_logged
from nonreg.errors import NonregError, UsageError
from nonreg.handover.runbook_file import find_runbook, read_facts
from nonreg.handover.ticket_history import name_executions
from nonreg.ledger import LedgerEntry
from nonreg.ledger_witness import collect_witnesses, verify_ledger
from nonreg.masking import conceal
from nonreg.model.documents import (
    Content,
    CorrectionLog,
    DecisionRecord,
    DeliveryNote,
    DeliveryTests,
    DocumentKind,
    Draft,
    FinalReport,
    GoNoGo,
    Head,
    Rollback,
    UrgentReport,
)
from nonreg.model.tracker import Ticket, TicketNote
from nonreg.tracker.connection import open_tracker
from nonreg.tracker.protocol import Tracker
from nonreg.working_time import PARIS
from tasks.document_facts import DEPLOY, ROLLBACK
from tasks.handover_work import Work
from tasks.intervention import KIND as INTERVENTION
from tasks.intervention import list_run_entries

T = TypeVar("T")
DOCUMENTS, DRAFT = "documents", "projet.toml"
ANSWERS = {"GO": "go", "GO_AVEC_RESERVES": "go avec réserves", "NO_GO": "no-go"}


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person says of a new document; what is empty is looked for."""

    kind: DocumentKind
    ticket: str
    run: str = ""
    folder: str = ""
    version: str = ""
    held_on: date | None = None
    first: date | None = None
    last: date | None = None


class Drafting:
    """Reads the sources of one draft; `missing` names those that did not answer."""

    def __init__(self, work: Work, asked: Asked, at: datetime) -> None:
        self.work, self.asked, self.at = work, asked, at
        self.missing: list[str] = []
        self.entries: tuple[LedgerEntry, ...] = tuple(
            one
            for one in verify_ledger(work.journal.file, collect_witnesses(work.runs_dir)).entries
            if one.platform == work.platform.name
        )

    def draft(self) -> Draft:
        """The draft of the kind that is asked for."""
        number = self.asked.kind.value.replace(".", "")
        name = f"{number}-{self.at.astimezone(PARIS):%Y%m%d}-{secrets.token_hex(3)}"
        head = Head(name, self.asked.kind, self.work.platform.name, self.asked.ticket)
        match self.asked.kind:
            case DocumentKind.DELIVERY:
                return self.draft_delivery(head)
            case DocumentKind.TEST_REPORT:
                return FinalReport(head, self.asked.run or self.find_run(""))
            case DocumentKind.URGENT:
                return self.draft_urgent(head)
            case DocumentKind.MINUTES:
                return self.draft_minutes(head)
            case DocumentKind.CORRECTIONS:
                return self.draft_corrections(head)

    def draft_delivery(self, head: Head) -> DeliveryNote:
        """Run, procedures, ticket, documents and answer of the intervention that are known."""
        version = self.asked.version or self.work.platform.application_version
        ticket = self.ask("suivi des tickets", lambda tracker: tracker.find_ticket(head.ticket))
        closing = self.find_last(CLOSING)
        answered = self.find_last(INTERVENTION)
        return DeliveryNote(
            head,
            version=version,
            tickets=(head.ticket,),
            folder=self.asked.folder,
            deployment=self.list_steps(DEPLOY),
            documents=tuple(map(str, closing.data.get("documents", ()))) if closing else (),
            no_impact_because=str(closing.data.get("no_impact_because", "")) if closing else "",
            rollback=Rollback(steps=self.list_steps(ROLLBACK)),
            tests=DeliveryTests(run=self.asked.run or self.find_run(version)),
            decision=self.read_answer(answered),
            contents=(Content(head.ticket, ticket.kind, ticket.title),) if ticket else (),
        )

    def draft_urgent(self, head: Head) -> UrgentReport:
        """The stamps that ticket, notes and ledger tell."""

        def read(tracker: Tracker) -> tuple[Ticket, tuple[TicketNote, ...]]:
            return tracker.find_ticket(head.ticket), tracker.list_notes(head.ticket)

        ticket, notes = self.ask("suivi des tickets", read) or (None, ())
        own = tuple(one for one in self.entries if one.ticket == head.ticket)
        report = UrgentReport(head, subject=ticket.title if ticket else "")
        stamps: dict[str, Any] = {**find_stamps(ticket, notes, own)}
        return replace(report, **stamps)

    def draft_minutes(self, head: Head) -> DecisionRecord:
        """The open tickets as references, and the actions of the last relevé that are still to be done."""
        tickets = self.ask("suivi des tickets", lambda tracker: tracker.list_tickets(open_only=True)) or ()
        before = self.find_last_record()
        references = (
            *([f"relevé {before.document.id}"] if before else []),
            *(f"{one.reference} : {one.title}" for one in tickets),
        )
        return DecisionRecord(
            head, held_on=self.asked.held_on or "", references=references, actions=carry_actions(before)
        )

    def draft_corrections(self, head: Head) -> CorrectionLog:
        """Tickets closed in the period, and what the ledger knows of it; the month before unless it is said."""
        last = self.asked.last or self.at.astimezone(PARIS).date().replace(day=1) - timedelta(days=1)
        first = self.asked.first or last.replace(day=1)
        if first > last:
            raise UsageError("La période finit avant de commencer.")
        tickets = self.ask("suivi des tickets", lambda tracker: tracker.list_tickets(open_only=False)) or ()
        titles = name_executions(self.entries)
        return CorrectionLog(
            head,
            first,
            last,
            corrections=list_corrections(tickets, first, last),
            events=list_logged(self.entries, titles, self.work.platform.name, first, last),
        )

    def ask(self, source: str, read: Callable[[Tracker], T]) -> T | None:
        """What the tracker says; None, and why, when there is none or it does not answer."""
        try:
            tracker = open_tracker(self.work.platform)
            if tracker is None:
                self.missing.append(f"{source} (aucun n'est relié à la plateforme)")
                return None
            try:
                return read(tracker)
            finally:
                tracker.close()
        except NonregError as error:
            self.missing.append(f"{source} ({conceal(str(error)).rstrip('.')})")
            return None

    def find_run(self, version: str) -> str:
        """The last run of the platform; only one of its own version is known there."""
        if version not in ("", self.work.platform.application_version):
            return ""
        entries = list_run_entries(self.work.platform, self.work.runs_dir)
        return str(entries[0].data["run_id"]) if entries else ""

    def find_last(self, kind: str) -> LedgerEntry | None:
        """The last line of that kind for the ticket."""
        own = [one for one in self.entries if (one.kind, one.ticket) == (kind, self.asked.ticket)]
        return own[-1] if own else None

    def read_answer(self, entry: LedgerEntry | None) -> GoNoGo:
        """The answer given before the intervention."""
        if entry is None:
            return GoNoGo()
        answer = ANSWERS.get(str(entry.data.get("answer")), "")
        return GoNoGo(answer, entry.person, entry.at.astimezone(PARIS).date())  # type: ignore[arg-type]

    def list_steps(self, runbook_id: str) -> tuple[str, ...]:
        """The steps of a runbook, by their titles."""
        try:
            runbook = find_runbook(runbook_id, read_facts(self.work.people.file.parent))
        except NonregError as error:
            self.missing.append(f"runbook « {runbook_id} » ({conceal(str(error)).rstrip('.')})")
            return ()
        return tuple(f"{one.id} {one.title}" for one in runbook.steps)

    def list_records(self) -> tuple[DecisionRecord, ...]:
        """The relevés of the platform's meetings, the last one last; one that cannot be read is told."""
        found: dict[str, DecisionRecord] = {}
        for path in sorted((self.work.runs_dir / DOCUMENTS).glob(f"A9-*/{DRAFT}")):
            own, version, _ = path.parent.name.partition("-v")
            if version and (path.parents[1] / own / DRAFT).is_file():
                continue  # what was validated once, of a draft that stands beside it
            try:
                draft = load_draft(path)
            except NonregError as error:
                self.missing.append(f"relevé {path.parent.name} ({conceal(str(error)).rstrip('.')})")
                continue
            if isinstance(draft, DecisionRecord) and isinstance(draft.held_on, date):
                found[own] = draft
        mine = [
            (one.held_on, name, one)
            for name, one in found.items()
            if one.document.platform == self.work.platform.name and isinstance(one.held_on, date)
        ]
        if self.asked.held_on is not None:
            mine = [one for one in mine if one[0] <= self.asked.held_on]
        return tuple(one[2] for one in sorted(mine, key=lambda one: one[:2]))

    def find_last_record(self) -> DecisionRecord | None:
        """The relevé of the last meeting before this one."""
        records = self.list_records()
        return records[-1] if records else None
