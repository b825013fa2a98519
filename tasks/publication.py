"""Judging what a folder recorded, and writing the report where people find it, with what lets anyone check it.

The basis was saved before the run: judging again gives the same report, except for its generation time.
Ledger and history come after the files: what goes wrong there is told, and takes nothing away.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from nonreg.triage import build_triage, read_captured, render_triage_markdown

from nonreg import ledger
from nonreg.assess import assess
from nonreg.basis import read_basis
from nonreg.errors import NonregError
from nonreg.history import default_url, open_history
from nonreg.ledger import LedgerHead
from nonreg.model import CampaignReport
from nonreg.store import hash_file, load_run, write_file
from reports.counts import count_natures
from reports.render import Rendered, render_all

MANIFEST, TRIAGE = "manifest.json", "triage"
NOT_EVIDENCE = (MANIFEST, "prefect.log")  # the log is still written while we publish


@dataclass(frozen=True, slots=True)
class Published:
    """Where the report is, and in French what could not be kept beside it."""

    html: Path
    problems: tuple[str, ...] = ()


def judge_folder(
    run_dir: Path, project_junit: tuple[Path, ...] = (), generated_at: datetime | None = None
) -> CampaignReport:
    """The report of what a run recorded, with the basis that it was planned with."""
    run, basis = load_run(run_dir), read_basis(run_dir)
    assessment = assess(run, basis)
    return CampaignReport(
        run,
        assessment,
        count_natures(run, assessment, project_junit),
        generated_at or datetime.now(UTC),
        (run.plan.ticket,),
        basis,
        build_triage(run, basis, assessment, read_captured(run_dir)),
    )


def publish_report(run_dir: Path, report: CampaignReport, rendered: Rendered | None = None) -> Published:
    """Write the report, the triage packs and the manifest; keep the run in ledger and history."""
    write_forms(run_dir, report, rendered or render_all(report))
    problems = []
    head: LedgerHead | None = None
    try:
        head = record_run(run_dir, report)
    except NonregError as error:
        problems.append(f"Le passage n'est pas dans le registre : {error}")
    write_manifest(run_dir, head)
    try:
        open_history(default_url(run_dir.parent)).append(report, run_dir.name)
    except NonregError as error:
        problems.append(f"Le passage n'est pas dans l'historique : {error}")
    return Published(run_dir / "report.html", tuple(problems))


def write_forms(run_dir: Path, report: CampaignReport, rendered: Rendered) -> None:
    """The four forms of the report, and one triage pack a failure."""
    files: dict[str, str | bytes] = {
        "report.json": rendered.json,
        "report.html": rendered.html,
        "report.pdf": rendered.pdf,
        "junit.xml": rendered.junit,
    }
    for name, content in files.items():
        write_file(run_dir / name, content)
    if report.triage:
        (run_dir / TRIAGE).mkdir(exist_ok=True)
    for triage in report.triage:
        text = render_triage_markdown(triage, report.run)
        write_file(run_dir / TRIAGE / f"{triage.scenario_id}.md", text)


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


def write_manifest(run_dir: Path, head: LedgerHead | None) -> None:
    """The hash of every file of the run, and the head of the ledger when it was published."""
    hashes = {
        path.relative_to(run_dir).as_posix(): hash_file(path)
        for path in sorted(run_dir.rglob("*"))
        if path.is_file() and path.name not in NOT_EVIDENCE and ".prefect" not in path.parts
    }
    manifest: dict[str, object] = {"sha256": hashes}
    if head is not None:
        manifest["ledger"] = dataclasses.asdict(head)
    write_file(run_dir / MANIFEST, json.dumps(manifest, ensure_ascii=False, indent=2) + "\n")


def find_altered(run_dir: Path) -> tuple[str, ...]:
    """Files of a published run that are absent or not as the manifest says; its own name when there is none."""
    manifest = run_dir / MANIFEST
    try:
        expected: dict[str, str] = json.loads(manifest.read_text(encoding="utf-8"))["sha256"]
    except (OSError, ValueError, KeyError, TypeError):
        return (MANIFEST,)
    return tuple(
        name
        for name, sha256 in expected.items()
        if not (run_dir / name).is_file() or hash_file(run_dir / name) != sha256
    )
