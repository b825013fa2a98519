"""What the steps of a runbook do: checks, campaigns, answers recorded, the record. No decision is taken here."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from nonreg.config import find_platform_file
from nonreg.errors import NonregError, UsageError
from nonreg.evidence.chain import RECORD
from nonreg.evidence.explain import compare_files
from nonreg.evidence.files import LOCK, MANIFEST, EvidenceWrong, FileMark, mark_files
from nonreg.evidence.folders import read_manifest
from nonreg.evidence.seal import Thing as Sealed
from nonreg.evidence.seal import seal_folder
from nonreg.file_lock import hold_file_lock
from nonreg.handover.answer import Answer, record_answer
from nonreg.handover.checks import CHECKS, CheckContext, Point
from nonreg.handover.profiles import Thing
from nonreg.handover.runbook_file import find_runbook, read_facts
from nonreg.handover.signing import verify_again
from nonreg.model import Evidence, Verdict
from nonreg.model.handover import Actor, Execution, Said, Step
from nonreg.store import dump_json, hash_file, is_running, write_file
from nonreg.tickets import require_ticket
from nonreg.waiting import wait_until
from reports.execution import build_record
from reports.html import write_html
from reports.pdf import write_pdf
from tasks.handover_comparison import compare_with_others
from tasks.handover_documents import PRODUCERS, Produced, Production
from tasks.handover_reading import keep_documents
from tasks.handover_work import Work, read_clock
from tasks.profiles import require_may_start
from tasks.publication import is_published, load_unaltered
from tasks.recovery import recover_run

RECORD_HTML, RECORD_PDF = "releve.html", "releve.pdf"
CAMPAIGN_SECONDS = 4 * 3600.0  # how long a campaign that somebody else follows may take


def open_execution(
    work: Work,
    runbook_id: str,
    *,
    ticket: str,
    person: str,
    subject: str,
    rehearsal: bool,
    parameters: tuple[Said, ...] = (),
    origin: str = "",
) -> Execution:
    """Open an execution of a runbook for somebody, or find that which the same flow run has opened."""
    if (known := work.journal.find_origin(origin)) is not None:
        return (
            known  # what was opened goes on, whatever became of the people, of the table and of the runbook
        )
    if not person:
        raise UsageError("Dites qui ouvre le runbook (identifiant d'une personne).")
    for who, what in ((person, "qui ouvre"), (subject, "concernée")):
        found = work.people.find(who)
        if who and (found is None or not found.is_valid(datetime.now(UTC))):
            raise UsageError(
                f"La personne {what}, « {who} », n'est pas habilitée dans {work.people.file.name}."
            )
    runbook = find_runbook(runbook_id, read_facts(work.people.file.parent))
    if not subject and any(step.role is Actor.RENFORT for step in runbook.steps):
        raise UsageError(
            f"Le runbook « {runbook.id} » se fait avec ou pour quelqu'un : dites qui (personne concernée)."
        )
    require_may_start(work, person, Thing.RUNBOOK, runbook.id, rehearsal=rehearsal)
    return work.journal.open(
        runbook,
        work.platform.name,
        ticket=require_ticket(ticket or work.platform.default_ticket),
        person=person,
        subject=subject,
        at=datetime.now(UTC),
        rehearsal=rehearsal,
        parameters=parameters,
        origin=origin,
    )


def load_execution(work: Work, execution_id: str) -> Execution:
    """One execution; UsageError when it is of another platform."""
    execution = work.journal.load(execution_id)
    if execution.platform != work.platform.name:
        raise UsageError(
            f"L'exécution {execution.id} est de la plateforme « {execution.platform} », pas de "
            f"« {work.platform.name} »."
        )
    return execution


def require_signatures(work: Work, execution: Execution) -> None:
    """What was signed before still holds, just before acting on it."""
    verify_again(execution, work.journal.read(execution.id), work.people, datetime.now(UTC))


def answer_step(work: Work, execution: Execution, answer: Answer) -> Execution:
    """Record what a person answered, if it holds, and if what was signed before it still does."""
    require_signatures(work, execution)
    at = datetime.now(UTC)

    def keep(step: Step, said: tuple[Said, ...]) -> tuple[Evidence, ...]:
        return keep_documents(work, execution, step, said)

    return record_answer(work.journal, work.platform, work.people, execution, answer, at, keep)


def run_check(work: Work, execution: Execution, step: Step) -> Production:
    """What an automatic step found, and produced; UsageError for a check that does not exist."""
    if step.check in PRODUCERS:
        return PRODUCERS[step.check](work, execution, step)
    check = CHECKS.get(step.check)
    if check is None:
        known = ", ".join((*CHECKS, *PRODUCERS))
        raise UsageError(f"Étape {step.id} : contrôle « {step.check} » inconnu (connus : {known}).")
    file = find_platform_file(work.platform_name).resolve()
    at = datetime.now(UTC)
    return Production(
        check(CheckContext(work.platform, file, work.people, execution.subject, at, work.runs_dir))
    )


def record_check(work: Work, execution: Execution, step: Step, made: Production) -> Execution:
    """Keep what was found and produced as evidence; the step is done when all of it is as it must be."""
    at, points = datetime.now(UTC), made.result.points
    found = dump_json(tuple[Point, ...], points).encode("utf-8")
    files = (
        Produced(f"{step.id}-{at:%Y%m%dT%H%M%SZ}.json", f"Relevé de l'étape {step.id}", found),
        *made.documents,
    )
    proofs = tuple(work.journal.keep_evidence(execution, one.name, one.title, one.content) for one in files)
    if made.result.is_ok:
        note = f"{len(points)} point(s) contrôlé(s)"
        return work.journal.add_done(execution, step.id, person="", at=at, evidence=proofs, note=note)
    wrong = [one for one in points if not one.ok]
    message = " ; ".join(f"{one.title} : {one.found}" for one in wrong) or "rien n'a été contrôlé"
    remedy = " ".join(dict.fromkeys(one.remedy for one in wrong))
    return work.journal.add_failed(execution, step.id, message, remedy, at)


def find_earlier_run(work: Work, execution: Execution, step: Step) -> Path | None:
    """The published run that this step began before it was stopped; None when another one is to be begun.

    One that still runs is waited for, one whose process is gone is judged from what it recorded.
    """
    begun = work.journal.find_begun(execution.id, step.id)
    run_dir = work.runs_dir / begun
    if not begun or not run_dir.is_dir():
        return None
    wait_until(lambda: not is_running(run_dir), CAMPAIGN_SECONDS, poll_seconds=1.0)
    if not is_published(run_dir):
        recover_run(run_dir)
    return run_dir if is_published(run_dir) else None


def record_campaign(work: Work, execution: Execution, step: Step, run_dir: Path) -> Execution:
    """The step is done when the campaign passed; its report is the evidence."""
    at = datetime.now(UTC)
    try:
        report = load_unaltered(run_dir)
    except NonregError as error:
        return work.journal.add_failed(
            execution, step.id, f"Passage {run_dir.name} : {error}", "Relancez l'étape.", at
        )
    verdict = report.assessment.verdict
    if verdict in (Verdict.KO, Verdict.INCOMPLET):
        reasons = " ".join(report.assessment.reasons)
        return work.journal.add_failed(
            execution,
            step.id,
            f"Passage {run_dir.name} : {verdict.value}. {reasons}",
            f"Lisez {run_dir / 'report.html'}, corrigez, puis réessayez.",
            at,
        )
    proof = Evidence(
        "Rapport de campagne", f"../../{run_dir.name}/report.json", hash_file(run_dir / "report.json")
    )
    proofs: tuple[Evidence, ...] = (proof,)
    note = f"{run_dir.name} : {verdict.value}"
    if step.campaign is not None and step.campaign.compared and execution.subject:
        compared = compare_with_others(work, execution, step.id, report)
        point, made = compared.point, compared.document
        if made is not None:
            proofs = (proof, work.journal.keep_evidence(execution, made.name, made.title, made.content))
        if not point.ok:
            return work.journal.add_failed(
                execution, step.id, f"Passage {run_dir.name} : {point.found}", point.remedy, at
            )
        note += f". {point.found}"
    return work.journal.add_done(execution, step.id, person="", at=at, evidence=proofs, note=note)


def publish_record(work: Work, execution: Execution) -> Path:
    """Write the record of an execution as HTML and PDF, made anew each time; the path of the page.

    That of a closed execution is sealed, and made anew only for what the ledger tells of it since: whatever else than
    the record was changed in its folder is neither written over nor sealed.
    """
    folder = work.journal.folder(execution.id)
    if execution.closed_at is None:
        write_record(work, execution, datetime.now(UTC))
        return folder / RECORD_HTML
    with hold_file_lock(folder / LOCK, f"Relevé {execution.id}"):
        if may_seal(folder, work.journal.read(execution.id)[-1].sequence):
            at, platform = datetime.now(UTC), work.platform
            write_record(work, execution, at)
            thing = Sealed(RECORD, execution.id, platform.name, platform.identity_token, at, execution.ticket)
            seal_folder(folder, thing, work.runs_dir)
    return folder / RECORD_HTML


def may_seal(folder: Path, last_sequence: int) -> bool:
    """True for a folder that was never sealed, or is as it was sealed when the ledger tells more of it.

    The record itself is made anew, whole, from the ledger: a kill may have left it between its two states.
    """
    if not (folder / MANIFEST).exists():
        return True
    try:
        manifest, found = read_manifest(folder), mark_files(folder)
    except EvidenceWrong:
        return False
    told = manifest.head is None or manifest.head.sequence < last_sequence
    return told and not compare_files(drop_record(manifest.files), drop_record(found))


def drop_record(marks: Mapping[str, FileMark]) -> dict[str, FileMark]:
    """The others than the record, and than what a kill left of its making."""
    own = (RECORD_HTML, RECORD_PDF)
    return {
        name: mark
        for name, mark in marks.items()
        if name not in own and not name.startswith(tuple(f".{one}." for one in own))
    }


def write_record(work: Work, execution: Execution, at: datetime) -> None:
    """The record as it is at that instant."""
    folder = work.journal.folder(execution.id)
    document = build_record(execution, read_clock(work, execution, at), at)
    for name in (RECORD_HTML, RECORD_PDF):
        for left in folder.glob(f".{name}.*"):
            left.unlink(missing_ok=True)
    write_file(folder / RECORD_HTML, write_html(document))
    write_file(folder / RECORD_PDF, write_pdf(document, at))
