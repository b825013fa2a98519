"""Judging what a folder recorded, and writing the report where people find it, with what lets anyone check it.

The basis was saved before the run: judging again gives the same report, except for its generation time.
History and ledger come after the files: what goes wrong there is told, and takes nothing away.
"""

from __future__ import annotations

import shutil
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from nonreg import ledger
from nonreg.assess import assess
from nonreg.basis import PUBLISHED, read_basis
from nonreg.decision import INVISIBLE
from nonreg.errors import LedgerBroken, NonregError, UsageError
from nonreg.evidence.chain import RUN, read_seal
from nonreg.evidence.files import PENDING, EvidenceWrong, FileMark, mark_files
from nonreg.evidence.manifest import Manifest, hash_content, hash_map, parse_manifest
from nonreg.evidence.seal import Thing, describe, seal_folder, write_manifest
from nonreg.files import read_json
from nonreg.french import explain_os_error
from nonreg.history import default_url, open_history
from nonreg.ledger import LedgerEntry
from nonreg.ledger_witness import collect_witnesses, verify_ledger
from nonreg.model import CampaignPlan, CampaignReport
from nonreg.store import load_json, load_run, write_file
from nonreg.triage import build_triage, read_captured, render_triage_pages
from reports.counts import count_natures
from reports.render import Rendered, render_all, render_json

TRIAGE, PROJECT_JUNIT = "triage", "projet"
MADE = ("report.", "junit.xml", f"{TRIAGE}/", f"{PROJECT_JUNIT}/")  # from what was recorded
MANDATORY = ("plan.json", "basis.json", "report.json", "report.html", "report.pdf")
RUN_KIND = RUN


@dataclass(frozen=True, slots=True)
class Published:
    """Where the report is, and in French what could not be kept beside it."""

    html: Path
    problems: tuple[str, ...] = ()


def judge_folder(
    run_dir: Path, project_junit: tuple[Path, ...] = (), generated_at: datetime | None = None
) -> CampaignReport:
    """The report of what a run recorded, with the basis that it was planned with.

    The project's own JUnit files are kept in the run's folder, and found there when it is judged again.
    """
    run, basis = load_run(run_dir), read_basis(run_dir)
    assessment = assess(run, basis)
    return CampaignReport(
        run,
        assessment,
        count_natures(run, assessment, keep_project_junit(run_dir, project_junit)),
        generated_at or datetime.now(UTC),
        (run.plan.ticket,),
        basis,
        build_triage(run, basis, assessment, read_captured(run_dir)),
    )


def keep_project_junit(run_dir: Path, files: tuple[Path, ...]) -> tuple[Path, ...]:
    """Copy the files into the run's folder; without any, those kept there before."""
    folder = run_dir / PROJECT_JUNIT
    # Read before the folder goes: they may be those that were kept there.
    contents = [file.read_bytes() if file.is_file() else b"" for file in files]
    if files:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
    for number, (file, content) in enumerate(zip(files, contents, strict=True), 1):
        write_file(folder / f"{number:02d}-{clean_name(file.name)}", content)
    return tuple(sorted(folder.glob("*"))) if folder.is_dir() else ()


def clean_name(name: str) -> str:
    """The name of a file as a sealed folder may hold it: nothing invisible, no sign that a disk reads as a folder."""
    return "".join(
        "_" if char in "\\/:" or unicodedata.category(char) in INVISIBLE else char for char in name
    )


def publish_report(run_dir: Path, report: CampaignReport, rendered: Rendered | None = None) -> Published:
    """Write the report and the triage packs, keep the run in history and ledger, and the manifest last.

    A run without manifest is not published: whatever was cut is done again. UsageError when what the run
    recorded is no longer what it was when it was first published.
    """
    ledger_file = run_dir.parent / ledger.FILE
    problems = []
    try:
        require_same_inputs(run_dir, read_run_entries(ledger_file, report.run.plan.run_id))
    except LedgerBroken as error:
        problems.append(str(error))
    write_forms(run_dir, report, rendered or render_all(report))
    try:
        open_history(default_url(run_dir.parent)).append(report, run_dir.name)
    except NonregError as error:
        problems.append(f"Le passage n'est pas dans l'historique : {error}")
    sealed = seal_run(run_dir, report, tuple(problems))
    return Published(run_dir / "report.html", sealed.problems)


def is_published(run_dir: Path) -> bool:
    """True when the publication went to its end."""
    return (run_dir / PUBLISHED).is_file()


def read_problems(run_dir: Path) -> tuple[str, ...]:
    """What could not be kept beside the report, in French; empty for most runs."""
    manifest = read_json(run_dir / PUBLISHED)
    return tuple(str(problem) for problem in manifest.get("problems", ()))


def write_forms(run_dir: Path, report: CampaignReport, rendered: Rendered) -> None:
    """The four forms of the report, and one triage pack a failure; the source comes last."""
    for name in (PUBLISHED, PENDING):
        (run_dir / name).unlink(missing_ok=True)
    if report.triage:
        (run_dir / TRIAGE).mkdir(exist_ok=True)
    for scenario_id, text in render_triage_pages(report.triage, report.run):
        write_file(run_dir / TRIAGE / f"{scenario_id}.md", text)
    files: dict[str, str | bytes] = {
        "report.html": rendered.html,
        "report.pdf": rendered.pdf,
        "junit.xml": rendered.junit,
        "report.json": rendered.json,
    }
    for name, content in files.items():
        write_file(run_dir / name, content)


def hash_files(run_dir: Path) -> dict[str, str]:
    """SHA-256 of every file of a run that is evidence, by its path in the folder."""
    return select_hashes(mark_files(run_dir))


def select_hashes(marks: Mapping[str, FileMark]) -> dict[str, str]:
    """The hash of each file, without its size."""
    return {name: mark.sha256 for name, mark in marks.items()}


def select_inputs(hashes: Mapping[str, str]) -> dict[str, str]:
    """The files that the run recorded, without those that are made from them."""
    return {name: sha256 for name, sha256 in hashes.items() if not name.startswith(MADE)}


def seal_run(run_dir: Path, report: CampaignReport, problems: tuple[str, ...] = ()) -> Manifest:
    """One line of the ledger, with the run's verdict and hashes, and the manifest; without the ledger, it says why."""
    marks, plan = mark_files(run_dir), report.run.plan
    thing = Thing(
        RUN_KIND,
        plan.run_id,
        plan.platform.name,
        plan.platform.identity_token,
        report.generated_at,
        plan.ticket,
        decisions=(plan.approval.decision,) if plan.approval else (),
    )
    data = describe_run(report, select_hashes(marks))
    try:
        return seal_folder(run_dir, thing, run_dir.parent, data=data, problems=problems, files=marks)
    except NonregError as error:
        told = (*problems, f"Le passage n'est pas dans le registre : {error}")
        return write_manifest(run_dir, describe(run_dir, thing, told, marks))


def describe_run(report: CampaignReport, hashes: Mapping[str, str]) -> dict[str, object]:
    """What a run's line of the ledger says: its verdict, the hashes of what it recorded and of what was published."""
    plan = report.run.plan
    return {
        "run_id": plan.run_id,
        "started_at": report.run.started_at.astimezone(UTC).isoformat(),
        "ended": report.run.ended_at is not None,
        "verdict": report.assessment.verdict.value,
        "application_version": plan.platform.application_version,
        "tool_commit": plan.tool_commit,
        "report_sha256": hashes["report.json"],
        "inputs_sha256": hash_map(select_inputs(hashes)),
        "files_sha256": hash_map(hashes),
        **describe_drills(plan),
    }


def describe_drills(plan: CampaignPlan) -> dict[str, object]:
    """What a campaign's ledger entry says of its drills: which, and by whose decision; nothing without drills."""
    if plan.approval is None:
        return {}
    return {"approval": plan.approval.decision, "drills": [drill.scenario_id for drill in plan.drills]}


def read_run_entries(path: Path, run_id: str) -> tuple[LedgerEntry, ...]:
    """The ledger's entries of one run, oldest first; LedgerBroken when the chain does not hold."""
    return select_run_entries(ledger.read_entries(path), run_id)


def select_run_entries(entries: Iterable[LedgerEntry], run_id: str) -> tuple[LedgerEntry, ...]:
    """Those of one run, oldest first."""
    return tuple(entry for entry in entries if entry.kind == RUN_KIND and entry.data.get("run_id") == run_id)


def require_same_inputs(run_dir: Path, entries: tuple[LedgerEntry, ...]) -> None:
    """UsageError when a run that had ended is no longer what it was when the ledger first knew it."""
    first = next((entry for entry in entries if entry.data.get("ended")), None)
    if first is not None and first.data.get("inputs_sha256") != hash_map(select_inputs(hash_files(run_dir))):
        raise UsageError(
            f"Le passage {run_dir.name} n'est plus celui que le registre connaît (ligne {first.sequence}) : "
            "ce qu'il a enregistré a été modifié, relancez une campagne."
        )


def read_manifest(run_dir: Path) -> Manifest:
    """The manifest of a published run; EvidenceWrong when it is none."""
    try:
        return parse_manifest((run_dir / PUBLISHED).read_bytes())
    except OSError as error:
        raise EvidenceWrong(explain_os_error(error)) from error


def find_altered(run_dir: Path) -> tuple[str, ...]:
    """Files of a published run that are absent or not as the manifest says; its own name when it says nothing."""
    try:
        expected = select_hashes(read_manifest(run_dir).files)
    except EvidenceWrong:
        return (PUBLISHED,)
    found = hash_files(run_dir)
    return tuple(
        name for name in (*MANDATORY, *expected) if name not in expected or found.get(name) != expected[name]
    )


def load_unaltered(run_dir: Path) -> CampaignReport:
    """The report of a run, judged again: UsageError unless everything is as published and as the ledger knows it.

    Whatever acts on a run (promotion, GO) goes through here: files alone prove nothing.
    """
    if not is_published(run_dir):
        raise UsageError(f"Aucun rapport publié dans {run_dir}.")
    altered = find_altered(run_dir)
    if altered:
        raise UsageError(f"Le passage a été modifié depuis sa publication : {', '.join(altered[:5])}.")
    runs_dir = run_dir.parent
    verify_ledger(runs_dir / ledger.FILE, collect_witnesses(runs_dir))
    published = load_json(CampaignReport, run_dir / "report.json")
    entries = read_run_entries(runs_dir / ledger.FILE, published.run.plan.run_id)
    if not entries or not is_sealed_by(run_dir, entries[-1]):
        raise UsageError(f"Le registre de {runs_dir} ne connaît pas le passage {run_dir.name} tel qu'il est.")
    require_same_inputs(run_dir, entries)
    return judge_again(run_dir)


def is_sealed_by(run_dir: Path, entry: LedgerEntry) -> bool:
    """True when a line of the ledger holds the hash of a run's files, and of its manifest since lines do."""
    seal = read_seal(entry)
    if seal is not None and seal.sha256 != hash_content(read_manifest(run_dir)):
        return False
    return entry.data.get("files_sha256") == hash_map(hash_files(run_dir))


def judge_again(run_dir: Path) -> CampaignReport:
    """The report of a published run from what it recorded; UsageError unless it is the one that was published."""
    published = load_json(CampaignReport, run_dir / "report.json")
    again = judge_folder(run_dir, generated_at=published.generated_at)
    if render_json(again) != (run_dir / "report.json").read_text(encoding="utf-8"):
        raise UsageError(f"Jugé de nouveau, le passage {run_dir.name} ne donne plus le même rapport.")
    return again
