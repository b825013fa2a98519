"""Executions of runbooks, kept in the ledger: open one, read it, add what happened. Nothing lives in a process.

    runs/runbooks/RB-20261130T121502Z-integration-3fa1c2/
        runbook.json     the runbook as it was when it was opened, whose hash the ledger holds
        preuves/         files of evidence, whose hashes the ledger holds

Each entry is added under the lock of the ledger, after a look at those before: a done step is never done again,
whoever answers it, and from wherever.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nonreg import ledger
from nonreg.decision import SignedDecision
from nonreg.errors import LedgerBroken, NonregError, UsageError
from nonreg.evidence.chain import list_purged
from nonreg.french import explain_os_error
from nonreg.handover.form import check_reason
from nonreg.handover.signing import Delegation, list_delegations
from nonreg.handover.state import (
    KIND,
    Event,
    build_execution,
    find_begun,
    list_open,
    select_entries,
    write_said,
)
from nonreg.ledger import LedgerEntry
from nonreg.model import Evidence
from nonreg.model.handover import Execution, Outcome, Runbook, Said
from nonreg.people import People
from nonreg.store import dump_json, hash_file, load_json, write_file

FOLDER, RUNBOOK, EVIDENCE = "runbooks", "runbook.json", "preuves"


class StepRefused(NonregError):
    """A step cannot be done now: it is done already, or what it comes after is not, or the execution is closed."""


class OpenedMeanwhile(NonregError):
    """Another process of the same flow run opened the execution between our look and our line."""


@dataclass(frozen=True, slots=True)
class Journal:
    """Where executions are kept; `people` keep names out of the ledger, None where there are none."""

    runs_dir: Path
    people: People | None = None

    @property
    def file(self) -> Path:
        """The ledger."""
        return self.runs_dir / ledger.FILE

    def folder(self, execution_id: str) -> Path:
        """The folder of an execution."""
        return self.runs_dir / FOLDER / execution_id

    def open(
        self,
        runbook: Runbook,
        platform: str,
        *,
        ticket: str,
        person: str,
        subject: str,
        at: datetime,
        rehearsal: bool = False,
        parameters: tuple[Said, ...] = (),
        origin: str = "",
    ) -> Execution:
        """Open an execution; the one that the same `origin` (a flow run) has opened already, if any."""
        known = self.find_origin(origin)
        if known is not None:
            return known
        execution_id = f"RB-{at.astimezone(UTC):%Y%m%dT%H%M%SZ}-{runbook.id}-{secrets.token_hex(3)}"
        folder = self.folder(execution_id)
        try:
            (folder / EVIDENCE).mkdir(parents=True)
            write_file(folder / RUNBOOK, dump_json(Runbook, runbook))
        except OSError as error:
            raise NonregError(f"Écriture impossible dans {folder} ({explain_os_error(error)}).") from error
        data = {
            "event": Event.OPENED,
            "runbook": runbook.id,
            "runbook_sha256": hash_file(folder / RUNBOOK),
            "subject": subject,
            "rehearsal": rehearsal,
            "parameters": write_said(parameters),
            "origin": origin,
        }

        def check(entries: tuple[LedgerEntry, ...]) -> None:
            if origin and any(one.kind == KIND and one.data.get("origin") == origin for one in entries):
                raise OpenedMeanwhile(f"Le passage {origin} a déjà ouvert son exécution.")

        try:
            self._append(execution_id, platform, ticket, person, data, at, check=check)
        except OpenedMeanwhile:
            return self.find_origin(origin) or self.load(execution_id)
        return self.load(execution_id)

    def load(self, execution_id: str) -> Execution:
        """One execution as the ledger tells it; UsageError when there is none of that id."""
        return self.build(self.read(execution_id))

    def build(self, entries: tuple[LedgerEntry, ...]) -> Execution:
        """The execution of these entries, with the runbook that it was opened with."""
        opening = entries[0].data
        file = self.folder(str(opening["execution"])) / RUNBOOK
        runbook = load_json(Runbook, file)
        if hash_file(file) != opening.get("runbook_sha256"):
            raise NonregError(
                f"{file} n'est plus celui de l'ouverture : son empreinte n'est pas celle du registre."
            )
        return build_execution(runbook, entries)

    def read(self, execution_id: str) -> tuple[LedgerEntry, ...]:
        """The entries of one execution; UsageError when there is none of that id."""
        entries = select_entries(ledger.read_entries(self.file), execution_id)
        if not entries:
            known = [one for one in self.list_ids() if one.endswith(execution_id)] if execution_id else []
            if len(known) == 1:  # its last letters are enough for a person
                return self.read(known[0])
            raise UsageError(f"Exécution de runbook inconnue dans {self.runs_dir} : « {execution_id} ».")
        return entries

    def list_ids(self) -> tuple[str, ...]:
        """Every execution, oldest first, without those that a purge removed."""
        return self.select_ids(ledger.read_entries(self.file))

    def select_ids(self, entries: Iterable[LedgerEntry]) -> tuple[str, ...]:
        """As `list_ids`, of these entries."""
        entries = tuple(entries)
        opened = [
            str(one.data["execution"])
            for one in entries
            if one.kind == KIND and one.data.get("event") == Event.OPENED
        ]
        purged = {place for place in list_purged(entries) if not (self.runs_dir / place).is_dir()}
        return tuple(one for one in opened if f"{FOLDER}/{one}" not in purged)

    def find_origin(self, origin: str) -> Execution | None:
        """The execution that a flow run opened; None without one."""
        for entry in ledger.read_entries(self.file) if origin else ():
            if entry.kind == KIND and entry.data.get("origin") == origin:
                return self.load(str(entry.data["execution"]))
        return None

    def list_delegations(self, execution: Execution) -> tuple[Delegation, ...]:
        """Who may sign in the titulaire's place in an execution."""
        entries = tuple(
            one
            for one in ledger.read_entries(self.file)
            if one.kind == KIND and one.platform == execution.platform
        )
        return list_delegations(
            entries,
            self.build_readable(entries),
            platform=execution.platform,
            rehearsal=execution.rehearsal,
            people=self.people,
        )

    def build_readable(self, entries: Iterable[LedgerEntry]) -> tuple[Execution, ...]:
        """Each execution of these lines; one whose folder is not as it was gives no right, and stops nobody."""
        own: dict[str, list[LedgerEntry]] = {}
        for one in entries:
            if one.kind == KIND:
                own.setdefault(str(one.data.get("execution")), []).append(one)
        found = []
        for lines in own.values():
            try:
                found.append(self.build(tuple(lines)))
            except LedgerBroken:
                raise
            except NonregError:
                continue
        return tuple(found)

    def find_begun(self, execution_id: str, step_id: str) -> str:
        """The run that a campaign step began last, empty when it began none."""
        return find_begun(self.read(execution_id), step_id)

    def add_done(
        self,
        execution: Execution,
        step_id: str,
        *,
        person: str,
        at: datetime,
        outcome: Outcome = Outcome.DONE,
        said: tuple[Said, ...] = (),
        evidence: tuple[Evidence, ...] = (),
        note: str = "",
        signed: SignedDecision | None = None,
    ) -> Execution:
        """A step is done for good; StepRefused when it may not be, or was."""
        data = {
            "event": Event.DONE,
            "step": step_id,
            "outcome": outcome,
            "said": write_said(said),
            "evidence": [{"title": one.title, "path": one.path, "sha256": one.sha256} for one in evidence],
            "note": note,
        }
        return self._add(execution, person, data, at, signed, step_id)

    def add_failed(
        self, execution: Execution, step_id: str, message: str, remedy: str, at: datetime
    ) -> Execution:
        """A try of a step failed."""
        data = {"event": Event.FAILED, "step": step_id, "message": message, "remedy": remedy}
        return self._add(execution, "", data, at, None, step_id)

    def add_begun(self, execution: Execution, step_id: str, run_id: str, at: datetime) -> Execution:
        """A campaign step begins a run; it is recorded before, so that whoever resumes asks after it."""
        return self._add(
            execution, "", {"event": Event.BEGUN, "step": step_id, "run_id": run_id}, at, None, step_id
        )

    def suspend(self, execution: Execution, reason: str, person: str, at: datetime) -> Execution:
        """The clock stands still from now on, for a reason."""
        if not reason.strip():
            raise UsageError("Une suspension de l'horloge demande un motif.")

        def check(now: Execution) -> None:
            clock = now.clock
            if clock.started_at is None or clock.stopped_at is not None or clock.is_suspended:
                raise UsageError("L'horloge n'est pas en marche : rien à suspendre.")

        data = {"event": Event.SUSPENDED, "reason": check_reason(reason)}
        return self._add(execution, person, data, at, check_more=check)

    def resume(self, execution: Execution, person: str, at: datetime) -> Execution:
        """The clock goes on."""

        def check(now: Execution) -> None:
            if not now.clock.is_suspended:
                raise UsageError("L'horloge n'est pas suspendue.")

        return self._add(execution, person, {"event": Event.RESUMED}, at, check_more=check)

    def close(self, execution: Execution, person: str, at: datetime, abandoned: str = "") -> Execution:
        """Nothing is added any more: every step is done, or it was given up for a reason."""

        def check(now: Execution) -> None:
            if not abandoned.strip() and list_open(now):
                raise UsageError("Clore une exécution avant sa dernière étape demande un motif.")

        data = {"event": Event.CLOSED, "abandoned": check_reason(abandoned)}
        return self._add(execution, person, data, at, check_more=check)

    def revoke(
        self,
        execution: Execution,
        step_id: str,
        delegate: str,
        reason: str,
        signed: SignedDecision,
        at: datetime,
    ) -> Execution:
        """The MOA ends a delegation, whether its execution goes on or not; UsageError when it has ended already."""

        def check(entries: tuple[LedgerEntry, ...]) -> None:
            now = self.build(select_entries(entries, execution.id))
            if any(one.step_id == step_id for one in now.revoked):
                raise UsageError(f"La délégation de l'exécution {execution.id} est déjà révoquée.")

        data = {"event": Event.REVOKED, "step": step_id, "delegate": delegate, "reason": reason}
        person = signed.decision.person
        self._append(execution.id, execution.platform, execution.ticket, person, data, at, signed, check)
        return self.load(execution.id)

    def keep_evidence(self, execution: Execution, name: str, title: str, content: bytes) -> Evidence:
        """Keep a file as proof, before the entry that names it."""
        folder = self.folder(execution.id)
        path = folder / EVIDENCE / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_file(path, content)
        except OSError as error:
            raise NonregError(f"Écriture impossible : {path} ({explain_os_error(error)}).") from error
        return Evidence(title, str(path.relative_to(folder)), hash_file(path))

    def _add(
        self,
        execution: Execution,
        person: str,
        data: Mapping[str, Any],
        at: datetime,
        signed: SignedDecision | None = None,
        step_id: str = "",
        check_more: Callable[[Execution], None] | None = None,
    ) -> Execution:
        def check(entries: tuple[LedgerEntry, ...]) -> None:
            now = self.build(select_entries(entries, execution.id))
            require_open(now, step_id)
            if check_more is not None:
                check_more(now)

        self._append(execution.id, execution.platform, execution.ticket, person, data, at, signed, check)
        return self.load(execution.id)

    def _append(
        self,
        execution_id: str,
        platform: str,
        ticket: str,
        person: str,
        data: Mapping[str, Any],
        at: datetime,
        signed: SignedDecision | None = None,
        check: Any = None,
    ) -> None:
        ledger.append(
            self.file,
            kind=KIND,
            platform=platform,
            person=person,
            ticket=ticket,
            data={"execution": execution_id, **data},
            at=at,
            people=self.people,
            signed=signed,
            check=check,
        )


def require_open(execution: Execution, step_id: str) -> None:
    """StepRefused unless the step, or the execution, may go on."""
    if execution.closed_at is not None:
        raise StepRefused(f"L'exécution {execution.id} est close.")
    if not step_id:
        return
    if execution.runbook.step(step_id) is None:
        known = ", ".join(one.id for one in execution.runbook.steps)
        raise UsageError(f"Étape inconnue : « {step_id} » (étapes : {known}).")
    done = execution.find(step_id)
    if done is not None:
        by = f" par « {done.person} »" if done.person else ""
        raise StepRefused(f"L'étape {step_id} est déjà faite{by} : elle ne se refait pas.")
    open_ids = {one.id for one in list_open(execution)}
    if step_id not in open_ids:
        step = execution.runbook.step(step_id)
        missing = [one for one in (step.requires if step else ()) if execution.find(one) is None]
        raise StepRefused(f"L'étape {step_id} vient après {', '.join(missing)}.")
