"""What the gate of a delivery is judged on: the run, the procedures, the delivered files, the tickets, as they are now.

A source that cannot be read is a reason for not being ready, and hides no other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from nonreg.errors import NonregError
from nonreg.evidence.files import MANIFEST, explain_name, list_left_out, mark_file, mark_files, show_name
from nonreg.handover.readiness import Facts
from nonreg.handover.readiness_binder import BINDER, look_at_item
from nonreg.masking import conceal
from nonreg.model import Family
from nonreg.model.documents import (
    DeliveredFile,
    DeliveryFacts,
    DeliveryNote,
    ProcedureFact,
    RunFact,
    TicketFact,
)
from nonreg.model.readiness import Grade
from nonreg.store import hash_file
from nonreg.tracker.connection import open_tracker
from nonreg.tracker.protocol import Tracker
from tasks.handover_work import Work
from tasks.publication import load_unaltered
from tasks.readiness import read_reviews, read_runbooks

RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,120}")
INSTALL, DEPLOY, ROLLBACK = "installation", "deploiement", "retour-arriere"
NO_TRACKER = (
    "aucun suivi des tickets n'est relié à la plateforme : leur état n'est pas connu, et aucune livraison n'y est "
    "prête. Reliez-en un ([tracker] du fichier de plateforme) ; sans outil de suivi, un dossier de fichiers suffit "
    '(kind = "dossier", docs/suivi.md).'
)


def gather_delivery(work: Work, note: DeliveryNote, at: datetime) -> DeliveryFacts:
    """Everything that the gate asks for."""
    files, problem = list_delivered(work.runs_dir, note.folder)
    install, deploy, rollback = look_at_procedures(work, note.version.strip(), at)
    return DeliveryFacts(
        look_at_run(work, note.tests.run.strip()),
        install,
        deploy,
        rollback,
        files,
        problem,
        look_at_tickets(work, dict.fromkeys(one.strip() for one in note.tickets if one.strip())),
    )


def look_at_run(work: Work, run_id: str) -> RunFact:
    """A run judged again, as published and as the ledger knows it; otherwise why it proves nothing."""
    if not run_id or not RUN_ID.fullmatch(run_id):
        return RunFact(run_id, "ce n'est pas un nom de passage." if run_id else "")
    folder = work.runs_dir / run_id
    try:
        report = load_unaltered(folder)
        plan = report.run.plan
        own = (plan.platform.name, plan.platform.identity_token)
        if own != (work.platform.name, work.platform.identity_token):
            return RunFact(run_id, f"il est de la plateforme « {own[0]} », ou de son homonyme.")
        missing = [family.name for family in Family if family not in plan.families]
        partial = f"familles absentes : {', '.join(missing)}" if missing else plan.selection
        if plan.effects_left_out:
            partial = partial or "lecture seule"
        if report.run.ended_at is None or report.run.interruption:
            partial = partial or "il n'est pas allé à son terme"
        return RunFact(
            run_id,
            "",
            plan.platform.name,
            plan.platform.application_version,
            report.assessment.verdict,
            report.run.started_at,
            partial,
            hash_file(folder / "report.json"),
        )
    except NonregError as error:
        return RunFact(run_id, f"il ne se vérifie pas : {conceal(str(error))}")


def look_at_procedures(
    work: Work, version: str, at: datetime
) -> tuple[ProcedureFact, ProcedureFact, ProcedureFact]:
    """Installation, deployment and rollback of the emergency file, for the version that is delivered."""
    problems: dict[str, str] = {}
    runbooks = read_runbooks(work, problems)
    facts = Facts(
        platform=work.platform.name,
        title=work.platform.title,
        application_version=version,
        at=at,
        working=work.platform.working_time,
        runbooks=runbooks,
        reviews=read_reviews(work, tuple(runbooks), at, problems),
        problems=problems,
    )

    def look(runbook_id: str) -> ProcedureFact:
        finding, runbook = look_at_item(facts, runbook_id, BINDER[runbook_id]), runbooks.get(runbook_id)
        problem = "" if finding.grade is Grade.GOOD else finding.found
        if runbook is None:
            return ProcedureFact(runbook_id, BINDER[runbook_id], problem=problem)
        return ProcedureFact(runbook_id, runbook.title, runbook.version, runbook.sha256, problem)

    return look(INSTALL), look(DEPLOY), look(ROLLBACK)


def list_delivered(runs_dir: Path, folder: str) -> tuple[tuple[DeliveredFile, ...], str]:
    """Every file of the delivered folder with its hash; in French what is wrong with it."""
    if not folder.strip():
        return (), "aucun dossier de fichiers livrés n'est nommé (folder)."
    path = runs_dir / folder.strip()
    try:
        if not path.is_dir():
            return (), "le dossier des fichiers livrés est absent."
        marks = mark_files(path)
        for name in (*list_left_out(path), *([MANIFEST] if (path / MANIFEST).is_file() else [])):
            marks[name] = mark_file(path / name)  # of no evidence folder of ours: they are delivered too
    except (NonregError, OSError, ValueError) as error:
        words = str(error) if isinstance(error, NonregError) else "le dossier ne se lit pas."
        return (), f"fichiers livrés illisibles : {words}"
    found = tuple(DeliveredFile(name, one.sha256, one.size_bytes or 0) for name, one in sorted(marks.items()))
    bad = next(((one.path, why) for one in found if (why := explain_name(one.path))), None)
    return found, f"« {show_name(bad[0])} » : {bad[1]}." if bad else ""


def look_at_tickets(work: Work, references: Iterable[str]) -> tuple[TicketFact, ...]:
    """Each ticket as the tracker knows it."""
    asked = tuple(references)
    if not asked:
        return ()
    try:
        tracker = open_tracker(work.platform)
    except NonregError as error:
        return tuple(TicketFact(one, problem=conceal(str(error))) for one in asked)
    if tracker is None:
        return tuple(
            TicketFact(one, problem=NO_TRACKER if place == 0 else "") for place, one in enumerate(asked)
        )
    try:
        return tuple(look_at_ticket(tracker, one) for one in asked)
    finally:
        tracker.close()


def look_at_ticket(tracker: Tracker, reference: str) -> TicketFact:
    """One ticket; why it is not known otherwise."""
    try:
        ticket = tracker.find_ticket(reference)
    except NonregError as error:
        return TicketFact(reference, problem=f"{reference} : {conceal(str(error))}")
    return TicketFact(reference, ticket.title, ticket.state)
