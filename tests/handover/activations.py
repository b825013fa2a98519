"""Activations of the shipped runbooks on a governed platform: answered from the rehearsal files, without Prefect."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from nonreg.handover.answer import HUMAN
from nonreg.handover.integrated import name_runbook
from nonreg.handover.runbook_file import RUNBOOKS_DIR, load_runbook
from nonreg.handover.scripted import Script, load_script
from nonreg.handover.state import next_step
from nonreg.model import Evidence
from nonreg.model.handover import Execution, Said
from tasks.handover import answer_step, record_check, run_check
from tasks.handover_integration import hash_runbooks
from tasks.handover_work import Work, make_work
from tests.governed import Governed, make_governed
from tests.handover.executions import TECHNIQUE, TITULAIRE

REHEARSALS = RUNBOOKS_DIR.parent / "rehearsals"


def make_site(root: Path) -> Governed:
    """A governed platform that has told what the embedded one tells about itself."""
    governed = make_governed(root)
    shipped = Path("nonreg/governance/embarquee/site.toml")
    (governed.governance / "site.toml").write_bytes(shipped.read_bytes())
    return governed


def work_on(governed: Governed) -> Work:
    """What the steps are given."""
    return make_work(str(governed.platform_file), governed.runs_dir)


def open_shipped(
    work: Work, runbook_id: str, *, subject: str = TECHNIQUE, rehearsal: bool = True, ticket: str = "AQ-150"
) -> Execution:
    """An execution of a shipped runbook."""
    return work.journal.open(
        load_runbook(RUNBOOKS_DIR / f"{runbook_id}.toml"),
        work.platform.name,
        ticket=ticket,
        person=TITULAIRE,
        subject=subject,
        at=datetime.now(UTC),
        rehearsal=rehearsal,
    )


def integrate(
    work: Work,
    *,
    subject: str = TECHNIQUE,
    rehearsal: bool = True,
    at: datetime | None = None,
    installed: dict[str, str] | None = None,
    until: str = "O11",
    abandoned: str = "",
) -> Execution:
    """An integration whose steps the journal was told, as far as `until`; closed when that is the last."""
    at = at or datetime.now(UTC) - timedelta(hours=1)
    execution = work.journal.open(
        load_runbook(RUNBOOKS_DIR / "integration.toml"),
        work.platform.name,
        ticket="AQ-140",
        person=TITULAIRE,
        subject=subject,
        at=at,
        rehearsal=rehearsal,
    )
    for step in execution.runbook.steps:
        proofs: tuple[Evidence, ...] = ()
        if step.id == "O7":
            read = hash_runbooks() if installed is None else installed
            proofs = tuple(
                Evidence(name_runbook(name, "1.0"), f"preuves/{name}.toml", sha256)
                for name, sha256 in read.items()
            )
        execution = work.journal.add_done(execution, step.id, person=TITULAIRE, at=at, evidence=proofs)
        if step.id == until:
            break
    if until == "O11" or abandoned:
        execution = work.journal.close(execution, "", at, abandoned)
    return execution


def script_of(governed: Governed, runbook_id: str) -> Script:
    """The answers that are shipped for a runbook."""
    return load_script(REHEARSALS / f"{runbook_id}.toml", governed.root / "identites")


def play(
    work: Work, script: Script, execution: Execution, until: str = "", at: datetime | None = None
) -> Execution:
    """Do every step, or those above `until`; stops where a check fails."""
    while (step := next_step(execution)) is not None and step.id != until:
        if step.kind in HUMAN:
            now = at or datetime.now(UTC)
            answer = script.answer(execution, step, work.platform, work.people, now)
            execution = answer_step(work, execution, answer)
            continue
        execution = record_check(work, execution, step, run_check(work, execution, step))
        if execution.find(step.id) is None:
            return execution
    return execution


def say(work: Work, execution: Execution, step_id: str, **values: str) -> Execution:
    """A step as if it had been answered so, whatever the form would say of it."""
    said = tuple(Said(name, value) for name, value in values.items())
    return work.journal.add_done(execution, step_id, person=TITULAIRE, at=datetime.now(UTC), said=said)
