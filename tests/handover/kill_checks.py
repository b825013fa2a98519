"""What holds of executions that were killed and taken up to their end, whatever was killed and when."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection

from pypdf import PdfReader

from nonreg.evidence.signatures import find_people
from nonreg.evidence.verify import Finding, Means, State, verify_runs
from nonreg.file_lock import try_file_lock
from nonreg.handover.journal import FOLDER
from nonreg.handover.state import Event, find_begun
from nonreg.keeper import PREFECT_HOME
from nonreg.model.handover import Execution, StepKind
from nonreg.orphans import list_lives
from nonreg.store import hash_file, is_running
from tasks.evidence import JUDGES
from tasks.handover import RECORD_HTML, RECORD_PDF
from tasks.handover_work import Work
from tasks.publication import is_published
from tasks.recovery import recover_run
from tests.handover.killed import Followed

UNSEALED = "pas encore scellé"
LINE = re.compile(r"ligne\s+(\d+)")


def check_whole(work: Work, followed: Followed, killed: int) -> None:
    """Complete, each step once, the chain and all that it knows whole, and nothing left behind."""
    assert len(followed.executions) == followed.expected
    check_evidence(work, followed)
    for execution in followed.executions:
        check_steps(work, execution, followed.cut_runs, killed)
        check_record(work, execution)
    check_nothing_left(work, followed)


def check_evidence(work: Work, followed: Followed) -> None:
    """After what « reprise » takes up of commands that were killed, all is sealed and as the ledger knows it.

    Executions that were there before are only told by the ledger.
    """
    for run_dir in list_lives(work.runs_dir):
        taken_up = recover_run(run_dir)
        assert taken_up is not None, run_dir
        assert (taken_up.is_settled, taken_up.problems) == (True, ()), taken_up
    found = verify_runs(work.runs_dir, Means(find_people(work.runs_dir), JUDGES))
    told = {f"{FOLDER}/{one}" for one in followed.known}
    assert [one for one in found if is_wrong(one) and one.about not in told] == []


def is_wrong(found: Finding) -> bool:
    """True for what is not proved, and for what was left unpublished."""
    return found.state in (State.WRONG, State.UNKNOWN) or UNSEALED in found.text


def check_steps(work: Work, execution: Execution, cut_runs: Collection[str], killed: int) -> None:
    """Closed, not given up; each step is done once, and no try failed but of a campaign that was killed."""
    entries = work.journal.read(execution.id)
    events = Counter(entry.data["event"] for entry in entries)
    assert (events[Event.OPENED], events[Event.CLOSED], execution.abandoned) == (1, 1, "")
    done = [entry.data["step"] for entry in entries if entry.data["event"] == Event.DONE]
    assert sorted(done) == sorted(step.id for step in execution.runbook.steps)
    for step in execution.runbook.steps:
        assert {*step.requires} <= {*done[: done.index(step.id)]}, step.id
    campaigns = {step.id for step in execution.runbook.steps if step.kind is StepKind.CAMPAIGN}
    for one in execution.failed:  # judged from what it left, a campaign that was killed is no pass
        assert one.step_id in campaigns, one
        assert any(run in one.message for run in cut_runs), one
    assert len(execution.failed) <= killed
    for step_id in campaigns:
        begun = [
            str(one.data["run_id"])
            for one in entries
            if (one.data["event"], one.data.get("step")) == (Event.BEGUN, step_id)
        ]
        assert is_published(work.runs_dir / begun[-1]), begun
        assert find_begun(entries, step_id) == ""
        assert {*begun[:-1]} <= {*cut_runs}, begun


def check_record(work: Work, execution: Execution) -> None:
    """The record tells every line, in both its forms, and each proof that the ledger names is there as it was."""
    folder = work.journal.folder(execution.id)
    page = re.sub(r"<[^>]+>", " ", (folder / RECORD_HTML).read_text(encoding="utf-8"))
    paper = " ".join(one.extract_text() for one in PdfReader(folder / RECORD_PDF).pages)
    begun = Event.BEGUN  # told by what came of it
    lines = {one.sequence for one in work.journal.read(execution.id) if one.data["event"] != begun}
    for text in (page, paper):
        assert lines <= {int(one) for one in LINE.findall(text)}
    for proof in (one for done in execution.done for one in done.evidence):
        assert hash_file(folder / proof.path) == proof.sha256, proof


def check_nothing_left(work: Work, followed: Followed) -> None:
    """No process, no lock, no home of Prefect."""
    assert followed.find_left() == []
    assert [one for one in work.runs_dir.iterdir() if is_running(one)] == []
    for lock in (*work.runs_dir.rglob("*.lock"), *work.runs_dir.rglob("verrou")):
        with try_file_lock(lock, lock.name) as free:
            assert free, lock
    assert list(work.runs_dir.rglob(PREFECT_HOME)) == []
