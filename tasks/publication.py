"""Judging what a folder recorded, and writing the report where people find it, with what lets anyone check it.

The basis was saved before the run: judging again gives the same report, except for its generation time.
Ledger and history come after the files: what goes wrong there is told, and takes nothing away.
"""

from __future__ import annotations

import dataclasses
import json
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from nonreg import ledger
from nonreg.assess import assess
from nonreg.basis import PUBLISHED, read_basis
from nonreg.errors import NonregError
from nonreg.history import default_url, open_history
from nonreg.ledger import LedgerHead
from nonreg.model import CampaignReport
from nonreg.store import hash_file, load_run, write_file
from nonreg.triage import build_triage, read_captured, render_triage_markdown
from reports.counts import count_natures
from reports.render import Rendered, render_all

TRIAGE, PROJECT_JUNIT = "triage", "projet"
NOT_EVIDENCE = (PUBLISHED, "prefect.log")  # the log is still written while we publish


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
    if files:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
    for number, file in enumerate(files, 1):
        kept = folder / f"{number:02d}-{file.name}"
        write_file(kept, file.read_bytes() if file.is_file() else b"")
    return tuple(sorted(folder.glob("*"))) if folder.is_dir() else ()


def publish_report(run_dir: Path, report: CampaignReport, rendered: Rendered | None = None) -> Published:
    """Write the report and the triage packs, keep the run in ledger and history, and the manifest last.

    A run without manifest is not published: whatever was cut is done again.
    """
    write_forms(run_dir, report, rendered or render_all(report))
    problems = []
    head: LedgerHead | None = None
    try:
        head = record_run(run_dir, report)
    except NonregError as error:
        problems.append(f"Le passage n'est pas dans le registre : {error}")
    try:
        open_history(default_url(run_dir.parent)).append(report, run_dir.name)
    except NonregError as error:
        problems.append(f"Le passage n'est pas dans l'historique : {error}")
    write_manifest(run_dir, head, tuple(problems))
    return Published(run_dir / "report.html", tuple(problems))


def is_published(run_dir: Path) -> bool:
    """True when the publication went to its end."""
    return (run_dir / PUBLISHED).is_file()


def read_problems(run_dir: Path) -> tuple[str, ...]:
    """What could not be kept beside the report, in French; empty for most runs."""
    manifest = json.loads((run_dir / PUBLISHED).read_text(encoding="utf-8"))
    return tuple(str(problem) for problem in manifest.get("problems", ()))


def write_forms(run_dir: Path, report: CampaignReport, rendered: Rendered) -> None:
    """The four forms of the report, and one triage pack a failure; the source comes last."""
    (run_dir / PUBLISHED).unlink(missing_ok=True)
    if report.triage:
        (run_dir / TRIAGE).mkdir(exist_ok=True)
    for triage in report.triage:
        text = render_triage_markdown(triage, report.run)
        write_file(run_dir / TRIAGE / f"{triage.scenario_id}.md", text)
    files: dict[str, str | bytes] = {
        "report.html": rendered.html,
        "report.pdf": rendered.pdf,
        "junit.xml": rendered.junit,
        "report.json": rendered.json,
    }
    for name, content in files.items():
        write_file(run_dir / name, content)


def record_run(run_dir: Path, report: CampaignReport) -> LedgerHead:
    """One ledger entry: the run, its verdict and the hash of its report."""
    plan = report.run.plan
    return ledger.append(
        run_dir.parent / ledger.FILE,
        kind="campagne",
        platform=plan.platform.name,
        person="",
        ticket=plan.ticket,
        data={
            "run_id": plan.run_id,
            "verdict": report.assessment.verdict.value,
            "application_version": plan.platform.application_version,
            "tool_commit": plan.tool_commit,
            "report_sha256": hash_file(run_dir / "report.json"),
        },
        at=report.generated_at,
        people=None,
        signed=None,
    )


def write_manifest(run_dir: Path, head: LedgerHead | None, problems: tuple[str, ...]) -> None:
    """The hash of every file of the run, the head of the ledger when it was published, what could not be kept."""
    hashes = {
        path.relative_to(run_dir).as_posix(): hash_file(path)
        for path in sorted(run_dir.rglob("*"))
        if path.is_file() and path.name not in NOT_EVIDENCE and ".prefect" not in path.parts
    }
    manifest: dict[str, object] = {"sha256": hashes}
    if problems:
        manifest["problems"] = problems
    if head is not None:
        manifest["ledger"] = dataclasses.asdict(head)
    write_file(run_dir / PUBLISHED, json.dumps(manifest, ensure_ascii=False, indent=2) + "\n")


def find_altered(run_dir: Path) -> tuple[str, ...]:
    """Files of a published run that are absent or not as the manifest says; its own name when there is none."""
    manifest = run_dir / PUBLISHED
    try:
        expected: dict[str, str] = json.loads(manifest.read_text(encoding="utf-8"))["sha256"]
    except (OSError, ValueError, KeyError, TypeError):
        return (PUBLISHED,)
    return tuple(
        name
        for name, sha256 in expected.items()
        if not (run_dir / name).is_file() or hash_file(run_dir / name) != sha256
    )
